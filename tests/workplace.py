"""Copy of the project to run in, and subprocesses."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from trig.testing import programs, project

ROOT, WEIGHTS = programs.ROOT, project.WEIGHTS
SETTINGS = programs.SETTINGS | {"PYTHONPATH": str(ROOT)}
UNSET = programs.UNSET | {"PYTEST_XDIST_WORKER"}


def environment(**more: str) -> dict[str, str]:
    """Environment of the project's programs."""
    return {name: value for name, value in os.environ.items() if name not in UNSET} | SETTINGS | more


def python(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`python …` in a folder, with these extra variables."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=environment(**more))


def bench(place: Path, **edits: Any) -> None:
    """Folder where a single stage can run: the project's parameters, edited, and its weights."""
    (place / WEIGHTS.parent).mkdir(parents=True)
    (place / WEIGHTS).symlink_to(ROOT / WEIGHTS)
    shutil.copy(ROOT / "params.yaml", place)
    edit(place, **edits)


def edit(place: Path, **edits: Any) -> None:
    """Edits parameters, each named by its path with `__` between the keys."""
    file = place / "params.yaml"
    settings = yaml.safe_load(file.read_text("utf-8"))
    for path, value in edits.items():
        *above, last = path.split("__")
        section = settings
        for step in above:
            section = section[step]
        section[last] = value
    file.write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")
