"""A copy of the project to run in, and programs run as people run them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
WEIGHTS = Path("data/tiny")
SETTINGS = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(ROOT),
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "PYTHONHASHSEED": "0",
}
"""What the Makefile sets, and the environment the tests run in."""
UNSET = {"DVC_ROOT", "PYTHONDONTWRITEBYTECODE", "PYTEST_XDIST_WORKER"}


def environment(**more: str) -> dict[str, str]:
    """The environment a program of the project runs in."""
    return {name: value for name, value in os.environ.items() if name not in UNSET} | SETTINGS | more


def python(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`python …` in a folder, with these variables besides the project's own."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=environment(**more))


def copy(place: Path) -> None:
    """The files that git keeps, as they are now, and the weights, under git of their own."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    shutil.copytree(ROOT / WEIGHTS, place / WEIGHTS, dirs_exist_ok=True)
    for made in ("dvc.lock", "reports"):  # results that are in git would be taken for this copy's own
        shutil.rmtree(place / made) if (place / made).is_dir() else (place / made).unlink(missing_ok=True)
    subprocess.run(["git", "init", "--quiet"], cwd=place, check=True)


def bench(place: Path, **edits: Any) -> None:
    """A folder where a stage can run alone: the project's parameters, edited, and its weights."""
    (place / WEIGHTS.parent).mkdir(parents=True)
    (place / WEIGHTS).symlink_to(ROOT / WEIGHTS)
    shutil.copy(ROOT / "params.yaml", place)
    edit(place, **edits)


def edit(place: Path, **edits: Any) -> None:
    """Change parameters, each named by its path with `__` between the steps."""
    file = place / "params.yaml"
    settings = yaml.safe_load(file.read_text("utf-8"))
    for path, value in edits.items():
        *above, last = path.split("__")
        section = settings
        for step in above:
            section = section[step]
        section[last] = value
    file.write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")
