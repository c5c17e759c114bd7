"""Bars on the tiny world's models: the judge against ground truth, the painter against the judge."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.bar import Bar, at_least
from trig.testing.programs import run
from trig.testing.project import Project

STYLE, OTHER = 0.90, 0.65


def judge(_: Project) -> Iterator[Bar]:
    """`trig tiny evaluate`."""
    found = said("tiny", "evaluate", "--json")
    for row in found["dimensions"]:
        yield at_least(f"judge against truth, {row['dimension']}, Spearman's rho", row["rho"], 0.80)
    yield at_least("judge against truth, mean", found["mean"], 0.90)


def painter(_: Project) -> Iterator[Bar]:
    """`trig tiny paint`."""
    with TemporaryDirectory() as place:
        found = said("tiny", "paint", "--json", "--sheet", str(Path(place) / "sheet.png"))
    for row in found["dimensions"]:
        limit = STYLE if row["dimension"] == "TA-S" else OTHER
        yield at_least(f"painter, {row['dimension']}, mean S of {row['n'] - row['nulls']} of {row['n']}", row["mean_expected"], limit)


def said(*arguments: str) -> Any:
    """JSON output of a `trig` command."""
    return json.loads(run(sys.executable, "-m", "trig.cli", *arguments).stdout)
