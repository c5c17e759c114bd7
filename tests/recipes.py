"""The recipes of docs/sharing.md: shell blocks, each named by a comment above it."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import workplace

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
    """Runs shell commands, of which none may fail."""
    own = workplace.environment(**WHO, **more)
    own["PATH"] = f"{programs}{os.pathsep}{own['PATH']}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=place, capture_output=True, text=True, check=False, env=own)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def ran(said: str) -> set[str]:
    """Stages that ran."""
    return set(re.findall(r"^Running stage '(.+)':$", said, re.MULTILINE))
