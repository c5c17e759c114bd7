"""Pinned packages against known vulnerabilities: `python -m benchmarks.audit PIP-AUDIT [CONSTRAINTS]`.

Exit codes: 0, none is known; 1, some are; 3, the database was not reached or knows none of the packages, so nothing is known either way.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CLEAN, VULNERABLE, UNKNOWN = 0, 1, 3
OPTIONS = ("--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off", "--requirement")


def main(program: str, constraints: str = "constraints.txt") -> int:
    """Ask, and tell in a line what is known."""
    ran = subprocess.run([program, *OPTIONS, constraints], capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except (ValueError, LookupError, TypeError):
        said = next(iter(reversed(ran.stderr.split("\n")[:-1])), f"exit code {ran.returncode}")
        print(
            f"{constraints}: not audited: the database of vulnerabilities was not reached ({said[:200]}); try again where the network allows it"
        )
        return UNKNOWN
    return told(found, Path(constraints).name)


def told(found: list[dict[str, Any]], name: str) -> int:
    """A line per vulnerability, and one in all. A package that the database does not know counts as unknown, and not as sound."""
    unknown = [each["name"] for each in found if "skip_reason" in each]
    known = [(each, vuln) for each in found for vuln in each.get("vulns", ())]
    for package, vuln in known:
        mended = ", ".join(vuln.get("fix_versions", ())) or "no version yet"
        print(f"{package['name']} {package['version']}: {vuln['id']}; mended in {mended}")
    if len(unknown) == len(found):
        print(
            f"{name}: not audited: the database that was asked knows none of its {len(found)} packages; try again where the real one is reached"
        )
        return UNKNOWN
    rest = f"; not known there: {len(unknown)}, {unknown[0]} first" if unknown else ""
    print(f"{name}: {len(found) - len(unknown)} packages, {len(known)} known vulnerabilities{rest}")
    return VULNERABLE if known else CLEAN


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
