"""Command line of the benchmarks: `python -m benchmarks [ROW …] [--run FOLDER]`."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.bar import Bar
from trig.testing.programs import FailedError, end_as_interrupted
from trig.testing.project import Project

ROWS = {
    "score": "scoring:score",
    "sharing": "scoring:sharing",
    "serving": "serving:serving",
    "memory": "serving:memory",
    "relations": "classify:speed",
    "evidence": "classify:evidence",
    "full": "full:full",
    "remote": "remote:remote",
    "queue": "queue:queue",
    "worse": "worse:worse",
    "verify": "verifying:verify",
    "front": "front:front",
    "judge": "models:judge",
    "painter": "models:painter",
    "painting": "painting:painting",
    "eye": "eye:eye",
    "diversity": "diversity:diversity",
    "storage": "storage:storage",
    "families": "families:families",
    "annotate": "annotate:annotate",
    "prompts": "exchange:exchange",
    "fuzz": "fuzz.bars:fuzz",
    "chaos": "chaos.row:chaos",
    "pipeline": "pipeline:first",
    "again": "pipeline:again",
    "tasks": "pipeline:tasks",
    "map": "pipeline:maps",
    "tuned": "pipeline:tuned",
    "losses": "losses:losses",
    "training": "training:training",
    "repair": "repair:repair",
    "threshold": "pipeline:threshold",
}
"""Rows by name, and the functions that measure them. The last one modifies the project copy, so it stays last."""
APART = {"chaos", "repair"}
"""Rows that are measured only when they are named: they take half an hour."""


def main() -> int:
    """Measures the rows asked for, or all, and prints each as soon as it is known; exit code 1 when a bar is missed."""
    asked = arguments()
    end_as_interrupted()
    project = Project(asked.run)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(machine())
    met = True
    try:
        for name in filter(set(asked.rows).__contains__, ROWS):
            bars = measure(name, project)
            console.print(table(bars))
            met = met and all(bar.met for bar in bars)
    finally:
        project.remove()
    return 0 if met else 1


def row(name: str) -> Callable[[Project], Iterator[Bar]]:
    """The function of a row: what the others need is not imported, which takes seconds."""
    module, _, function = ROWS[name].partition(":")
    found: Callable[[Project], Iterator[Bar]] = getattr(import_module(f"benchmarks.{module}"), function)
    return found


def measure(name: str, project: Project) -> list[Bar]:
    """Figures of a row. A program that fails is a missed bar; the other rows are still measured."""
    print(f"measuring {name} …", file=sys.stderr)
    try:
        return list(row(name)(project))
    except FailedError as error:
        print(error, file=sys.stderr)
        return [Bar(name, "failed", "exit code 0", False)]


def arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure what the project promises, each figure beside its bar."
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"all but {', '.join(APART)} if none is named: {', '.join(ROWS)}")
    parser.add_argument(
        "--run",
        type=Path,
        metavar="FOLDER",
        help="a copy of the project where the pipeline has run, instead of a fresh one; threshold changes it",
    )
    asked = parser.parse_args()
    for name in asked.rows:
        if name not in ROWS:
            parser.error(f"{name!r} is no row; choose from {', '.join(ROWS)}")
    if asked.run and "pipeline" in asked.rows:
        parser.error("pipeline: a first run needs a fresh copy; leave out --run")
    asked.rows = asked.rows or [name for name in ROWS if name not in APART and (name != "pipeline" or not asked.run)]
    return asked


def machine() -> str:
    """Hardware and load average (at best 0) of the measurement."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return f"{model or 'unknown CPU'}, {cores} cores, torch {version('torch')}, Python {platform.python_version()}, load {load:.1f}"


def table(bars: list[Bar]) -> Table:
    """Table of figures and bars."""
    drawn = Table("bar", "measured", "wanted", "met", box=None, pad_edge=False)
    for bar in bars:
        drawn.add_row(bar.what, bar.measured, bar.wanted, "yes" if bar.met else "NO")
    return drawn


if __name__ == "__main__":
    sys.exit(main())
