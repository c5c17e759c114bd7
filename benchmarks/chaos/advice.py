"""What `trig doctor` says of a project in which a command of DVC failed, and what it says to type."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from benchmarks.chaos.programs import TRACEBACK, UncleanError, environment


def finding(place: Path, *named: str, **more: str) -> str:
    """The one line that says what is wrong. Raises UncleanError where there is none, or several, or it names not all of this."""
    asked = subprocess.run(
        [sys.executable, "-m", "trig.cli", "doctor", "--json"],
        cwd=place,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode != 1 or TRACEBACK in asked.stderr:
        raise UncleanError(f"trig doctor finds nothing, and ended with {asked.returncode}:\n{asked.stderr[-3000:]}")
    found = [f"{row['what']}: {row['found']}" for row in json.loads(asked.stdout)["rows"] if not row["ok"]]
    if len(found) != 1:
        raise UncleanError(f"trig doctor finds {len(found)} faults instead of one: {'; '.join(found)}")
    if missing := [words for words in named if not re.search(words, found[0], re.IGNORECASE)]:
        raise UncleanError(f"trig doctor does not name {', '.join(missing)}: {found[0]}")
    return found[0]


def command(said: str) -> list[str]:
    """The command in a finding, as a user would type it. Raises UncleanError where it has none."""
    if not (told := re.search("`(.+?)`", said)):
        raise UncleanError(f"trig doctor says not what to type: {said}")
    return shlex.split(told[1])


def followed(place: Path) -> str:
    """Types what `trig doctor` says, and returns that. Raises UncleanError where it says nothing, or where that fails."""
    typed = command(finding(place))
    if (ran := subprocess.run(typed, cwd=place, capture_output=True, text=True, check=False)).returncode:
        raise UncleanError(f"`{shlex.join(typed)}` ended with {ran.returncode}: {ran.stderr[-3000:]}")
    return shlex.join(typed)
