"""Copy of the project to run in, and subprocesses."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import forked
import yaml

from trig.cli.edits import Edits
from trig.notation import read
from trig.testing import programs, project

ROOT, WEIGHTS = programs.ROOT, project.WEIGHTS
TUNED, BASE = "tiny-dtm", "tiny"
SETTINGS = programs.SETTINGS | {"PYTHONPATH": str(ROOT)}
UNSET = programs.UNSET | {"PYTEST_XDIST_WORKER"}


def environment(**more: str) -> dict[str, str]:
    """Environment of the project's programs."""
    return {name: value for name, value in os.environ.items() if name not in UNSET} | SETTINGS | more


def python(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`python …` in a folder, with these extra variables: an interpreter of its own."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=environment(**more))


def program(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`dvc …`, `trig …` or `python -m …`, and what they start by these names, forked with the libraries and trig loaded: not for code that a test edits."""
    place = forked.programs(environment)
    own = environment(**more)
    own["PATH"] = f"{place}{os.pathsep}{own['PATH']}"
    command = [str(place / arguments[0]), *arguments[1:]]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=own)


def bench(place: Path, **edits: Any) -> None:
    """Folder where a single stage can run: the project's parameters, edited, and its weights."""
    (place / WEIGHTS.parent).mkdir(parents=True)
    (place / WEIGHTS).symlink_to(ROOT / WEIGHTS)
    file = place / "params.yaml"
    file.write_text(plain((ROOT / "params.yaml").read_text("utf-8")), "utf-8")
    if edits:
        edit(place, **edits)


@cache
def plain(text: str) -> str:
    """The shipped parameters, with their comments, for text-to-image alone, without prompted models and curves; the first model is tuned."""
    edits, models = Edits(text, "params.yaml"), read(text)["models"]
    more = [name for name, entry in models.items() if {"prompting", "sweep"} & entry.keys()]
    edits.block("annotate", "tasks", lines=["- t2i"])
    edits.block("generate", "roster", lines=[f"- {name}" for name in models if name not in more])
    for path in (*(("models", name) for name in more), ("promptings",), ("prompting",)):
        edits.drop(*path)
    edits.scalar("models", TUNED, "extends", value=BASE)
    edits.scalar("tunings", TUNED, "base", value=BASE)
    return edits.text


def edit(place: Path, **edits: Any) -> None:
    """Edits parameters, each named by its path with `__` between the keys. A roster that is given takes prompted models out; the first model is tuned."""
    file = place / "params.yaml"
    settings = read(file.read_text("utf-8"))
    for path, value in edits.items():
        *above, last = path.split("__")
        section = settings
        for step in above:
            section = section[step]
        section[last] = value
    if "generate__roster" in edits and "promptings" not in edits:
        settings["promptings"] = {}
        if TUNED in settings.get("tunings", {}) and "tunings" not in edits:
            settings["tunings"][TUNED]["base"] = settings["models"][TUNED]["extends"] = BASE
        settings["models"] = {
            name: one for name, one in settings["models"].items() if name in edits["generate__roster"] or "prompting" not in one
        }
    file.write_text(written(settings), "utf-8")


def written(settings: Any) -> str:
    """YAML of these, in their order."""
    text: str = yaml.dump(settings, Dumper=yaml.CSafeDumper, sort_keys=False)
    return text
