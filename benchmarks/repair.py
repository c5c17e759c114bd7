"""What repairs what: relation types by ways of training, at equal budget. Its table is in docs/repair.md."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl

from benchmarks.bar import Bar, at_least, at_most
from benchmarks.study import Outcome, Study
from trig.errors import ParamsError
from trig.testing.project import Project
from trig.vocabulary.dimensions import Dimension, Pair, Task, pairs

BESIDE = (Dimension.REALISM, Dimension.CONTENT, Dimension.RELATION, Dimension.STYLE, Dimension.KNOWLEDGE)
"""Dimensions whose scores hardly differ between seeds of a prompt with people, so that bias decides which picture is best."""
MODEL, EVERY = "tiny-turbo", 4
TARGETS = ("IQ-A_R-T", "IQ-O_IQ-A")
"""Pairs of the default run: one that can be repaired beside all guards, and one whose gain is paid by others."""
BUDGET: dict[str, Any] = {"candidates": 384, "prompts": 96, "steps": 60, "batch_size": 16, "learning_rate": 7e-4}
WAYS: dict[str, dict[str, Any]] = {
    "sft, threshold": {"policy": "threshold", "loss": "sft", "keep_above": 0.3, "max_gap": 1.0},
    "sft, best of n": {"policy": "best_of_n", "loss": "sft"},
    "sft, best of n, no guard": {"policy": "best_of_n", "loss": "sft", "guard": None},
    "dpo, dominance": {"policy": "dominance", "loss": "dpo", "learning_rate": 3e-3},
    "dpo, best of n, no guard": {"policy": "best_of_n", "loss": "dpo", "guard": None, "learning_rate": 3e-3},
    "mapo, dominance": {"policy": "dominance", "loss": "mapo", "learning_rate": 2e-3},
    "kto, best of n": {"policy": "best_of_n", "loss": "kto", "learning_rate": 3e-3},
    "rankdpo, best of n": {"policy": "best_of_n", "loss": "rankdpo", "list_length": 2, "learning_rate": 3e-3},
}
ONLINE: dict[str, dict[str, Any]] = {
    "flow-grpo": {"policy": "group", "loss": "flow-grpo", "learning_rate": 3e-3, "gradient": {"reward": "mean", "prompts": 2, "group": 8}},
    "refl, saturation": {"policy": "group", "loss": "refl", "gradient": {"reward": "saturation"}},
}
"""What paints as it learns takes ten times as long, and is measured on the first target."""
CONTROL: dict[str, Any] = {"policy": "best_of_n", "loss": "sft"}
"""The same budget spent on a pair that shares no dimension with the target."""
BIAS: dict[str, Any] = {
    "policy": "best_of_n", "loss": "sft", "candidates": 1280, "prompts": None, "min_gain": 0.25, "guard": 0.1, "steps": 82,
    "learning_rate": 1.5e-3,
}  # fmt: skip
"""A run that targets every pair with bias, as of the paper's repair of Sana."""
RAISED, AROUND = 0.10, 0.02
"""Least gain of R-B, and most change of the mean of the others."""
ENDS = ("", "mean"), ("_low", "low"), ("_high", "high")
Row = dict[str, Any]


def repair(project: Project) -> Iterator[Bar]:
    """Gain of the target's two dimensions by judge and by second eye over held-out prompts, the greatest fall of another, diversity, minutes.

    Then a run that targets bias, with the truth's own reading of skin and hair.
    """
    for row in rows(project, TARGETS):
        yield Bar(f"{row['pair']}, {row['way']}", told(row), "told", True)
    yield from bias(project)


def rows(project: Project, targets: Iterable[str]) -> Iterator[Row]:
    """A row per target and way; without figures where a way found nothing to learn from."""
    study = Study(project, MODEL, EVERY)
    for name in targets:
        pair = Pair.parse(name)
        for way, said in (WAYS | (ONLINE if name == TARGETS[0] else {})).items():
            try:
                yield {"pair": name, "way": way, **_row(study.run(pair, **{**BUDGET, **said}), pair)}
            except ParamsError as error:
                yield {"pair": name, "way": way, "why": str(error).partition(": ")[2]}
        yield {"pair": name, **_control(study, pair)}


def _control(study: Study, pair: Pair) -> Row:
    """The first of the unrelated pairs that has lessons."""
    for other in unrelated(pair):
        with suppress(ParamsError):
            return {"way": f"control: sft, best of n, of {other}", **_row(study.run(other, **BUDGET, **CONTROL), pair)}
    raise AssertionError("no pair has lessons")


def unrelated(pair: Pair) -> list[Pair]:
    """Pairs that share no dimension with this one, in a random order of its own."""
    others = [other for other in pairs(Task.T2I) if not {other.x, other.y} & {pair.x, pair.y}]
    return Random(str(pair)).sample(others, len(others))


def _row(found: Outcome, pair: Pair) -> Row:
    row: Row = {"lessons": found.lessons, "minutes": round(found.seconds / 60, 2), "lost": round(found.lost, 3)}
    for side, dimension in (("x", pair.x), ("y", pair.y)):
        for by in ("judge", "eye"):
            change = found.change(by, dimension)
            row |= {f"{side}_{by}{end}": round(change[name], 4) if change and change[name] is not None else None for end, name in ENDS}
    guards = [(change["mean"], one.value) for one in Dimension if one not in (pair.x, pair.y) and (change := found.change("eye", one))]
    worst, guard = min(guards)
    return row | {"worst": guard, "fall": round(worst, 4)}


def bias(project: Project) -> Iterator[Bar]:
    """R-B on held-out prompts by judge and by truth, and the mean of the other nine by the judge."""
    found = Study(project, MODEL).run(*(Pair.of(one, Dimension.BIAS) for one in BESIDE), **BIAS)
    raised = found.change("judge", Dimension.BIAS)
    others = [change["mean"] for one in Dimension if one is not Dimension.BIAS and (change := found.change("judge", one))]
    yield at_least("repair of R-B, held-out prompts, gain by the judge", raised["mean"] if raised else None, RAISED)
    truth = found.bias
    yield at_least(f"the same by the truth's reading: gain {truth.value:.3f}, lower end of its 95 % interval", truth.low, 0.0)
    yield at_most("the same, change of the mean of the other dimensions", abs(float(np.mean(others))), AROUND)


def told(row: Row) -> str:
    """A row in one line; an asterisk where an interval excludes 0."""
    if "why" in row:
        return str(row["why"])[:80]
    of = str(row["pair"]).split("_")
    sides = [f"{name} {by} {_figure(row, f'{side}_{by}')}" for side, name in zip("xy", of, strict=True) for by in ("judge", "eye")]
    cost = f"{row['lessons']} lessons, {row['minutes']} min"
    return f"{', '.join(sides)}; worst other {row['worst']} {row['fall']:+.3f}; diversity lost {row['lost']:.0%}; {cost}"


def _figure(row: Row, name: str) -> str:
    mean, low, high = (row[f"{name}{end}"] for end, _ in ENDS)
    if mean is None:
        return "–"
    return f"{mean:+.3f}{'*' if low is not None and not low <= 0 <= high else ''}"


def main() -> None:
    """Measures the targets named (or all), and writes their rows to a CSV file: `python -m benchmarks.repair FILE [PAIR …]`."""
    file, *targets = sys.argv[1:]
    found = []
    for row in rows(Project(Path()), targets or TARGETS):
        print(f"{row['pair']}, {row['way']}: {told(row)}", flush=True)
        found.append(row)
        pl.DataFrame(found, infer_schema_length=None).write_csv(file)


if __name__ == "__main__":
    main()
