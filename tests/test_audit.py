"""`make audit`: what is said, and the exit code, by what pip-audit answers."""

import json
from pathlib import Path

import pytest
import workplace

SOUND = {"name": "a", "version": "1.0", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found"}
WEAK = {"name": "c", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ([SOUND], 0, ("pins.txt: 1 packages, 0 known",)),
        ([SOUND, SKIPPED], 0, ("pins.txt: 1 packages, 0 known vulnerabilities; not known there: 1, b first",)),
        ([WEAK, SOUND], 1, ("c 2.0: PYSEC-1; mended in 2.1", "pins.txt: 2 packages, 1 known")),
        ([SKIPPED], 3, ("pins.txt: not audited", "knows none of its 1 packages")),
        (None, 3, ("pins.txt: not audited", "was not reached (no route)")),
    ],
)
def test_only_an_audit_that_happened_is_a_clean_one(answer: object, code: int, said: tuple[str, ...], tmp_path: Path) -> None:
    told = json.dumps({"dependencies": answer}) if answer else ""
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{told}\nEND\necho 'no route' >&2\n", "utf-8")
    program.chmod(0o755)
    ran = workplace.python("-m", "benchmarks.audit", str(program), "pins.txt", cwd=tmp_path)
    assert ran.returncode == code and all(each in ran.stdout for each in said)
    assert len(ran.stdout.splitlines()) == 1 + (code == 1)
