"""The recipes of docs/sharing.md: shell blocks, each named by a comment above it."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile

import workplace

from trig.testing.programs import whole

TEXT = (workplace.ROOT / "docs" / "sharing.md").read_text("utf-8")
RECIPES = dict(re.findall(r"^<!-- recipe: (\w+) -->\n```bash\n(.+?)^```$", TEXT, re.MULTILINE | re.DOTALL))
"""Name → commands."""
WHO = {f"GIT_{role}_{what}": "test@localhost" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def cook(name: str, place: Path, programs: Path, instead: Mapping[str, str] | None = None, **more: str) -> str:
    """Runs a recipe in a folder, with these words of it replaced; returns its output."""
    commands = RECIPES[name]
    for words, here in (instead or {}).items():
        assert words in commands, words
        commands = commands.replace(words, here)
    return shell(commands, place, programs, **more)


def shell(commands: str, place: Path, programs: Path, **more: str) -> str:
    """Runs shell commands, of which none may fail; what they leave behind goes on."""
    own = workplace.environment(**WHO, **more)
    own["PATH"] = f"{programs}{os.pathsep}{own['PATH']}"
    with TemporaryFile("a+") as out, TemporaryFile("a+") as errors:  # no pipes, whose ends a daemon would keep
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=place, stdout=out, stderr=errors, check=False, env=own)
        said = whole(out) + whole(errors)
    assert done.returncode == 0, said[-6000:]
    return said


def ran(said: str) -> set[str]:
    """Stages that ran."""
    return set(re.findall(r"^Running stage '(.+)':$", said, re.MULTILINE))
