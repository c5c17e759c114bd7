"""Bars on the tiny world's models: the judge against ground truth, the painter against the judge."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.bar import Bar, at_least, at_most
from trig.testing.programs import run
from trig.testing.project import Project

STYLE, OTHER = 0.90, 0.65
EDITED = {"what is new": 0.75, "what should stay": 0.80}
"""Mean S of the parts of an edit."""
EACH, MEAN = {"t2i": 0.84, "p2p": 0.75, "s2p": 0.75}, {"t2i": 0.915, "p2p": 0.85, "s2p": 0.85}
"""Spearman's rho of the judge with truth, by task."""
ALIGNMENT, BLIND = ("TA-C", "TA-R", "TA-S"), 0.35
"""Dimensions that say nothing of another case's picture, and the share of their rho that may be left."""


def judge(_: Project) -> Iterator[Bar]:
    """`trig tiny evaluate`."""
    for task, found in said("tiny", "evaluate", "--json")["tasks"].items():
        for row in found["dimensions"]:
            yield at_least(f"judge against truth, {task}, {row['dimension']}, Spearman's rho", row["rho"], EACH[task])
            if row["dimension"] in ALIGNMENT:
                share = row["rho_blind"] / row["rho"]
                yield at_most(f"judge with pictures of other cases, {task}, {row['dimension']}, share of its rho", share, BLIND)
        yield at_most(f"judge against truth, {task}, nulls", sum(row["nulls"] for row in found["dimensions"]), 0)
        yield at_least(f"judge against truth, {task}, mean", found["mean"], MEAN[task])


def painter(_: Project) -> Iterator[Bar]:
    """`trig tiny paint`."""
    for task in EACH:
        with TemporaryDirectory() as place:
            found = said("tiny", "paint", "--task", task, "--json", "--sheet", str(Path(place) / "sheet.png"))
        for row in found["dimensions"]:
            of = f"mean S of {row['n'] - row['nulls']} of {row['n']}"
            if row["read"]:
                yield at_least(f"painter, {task}, {row['read']}, {of}", row["mean_expected"], EDITED[row["read"]])
            elif task == "t2i":
                limit = STYLE if row["dimension"] == "TA-S" else OTHER
                yield at_least(f"painter, {row['dimension']}, {of}", row["mean_expected"], limit)


def said(*arguments: str) -> Any:
    """JSON output of a `trig` command."""
    return json.loads(run(sys.executable, "-m", "trig.cli", *arguments).stdout)
