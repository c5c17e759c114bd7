"""Bars on fronts: conflicts along a knob, found and false, on model families with a known front; time at the published benchmark's size."""

from collections.abc import Iterator, Sequence
from time import perf_counter

import numpy as np
import polars as pl

from benchmarks.bar import Bar, at_least, at_most
from trig import params
from trig.classify.arrays import Floats
from trig.fronts.measure import Fronts, found_conflicts, measure
from trig.fronts.plane import hypervolume
from trig.params.sweeps import Curve
from trig.tables.kinds import PAIR, TASK
from trig.testing.project import Project
from trig.vocabulary.dimensions import SUBSETS

VALUES = (1.0, 2.0, 3.0, 5.0, 8.0)
CURVE = Curve("family", "guidance_scale", tuple((f"family-{value:g}", value) for value in VALUES))
PROMPTS, FAMILIES = 300, 6
EFFECT = 0.05
"""Change of a mean from the first to the last setting, where it changes."""
KINDS = {"conflict": (1, -1), "both rise": (1, 1), "one rises": (1, 0), "independent": (0, 0), "anticorrelated": (0, 0)}
"""Directions of the two dimensions; the scores of a picture are independent, but anticorrelated in the last."""


def front(_: Project) -> Iterator[Bar]:
    """Families of five settings on 132 subsets, whose pairs have a known kind in turn."""
    limits = params.load().thresholds
    kinds = [list(KINDS)[index % len(KINDS)] for index in range(len(SUBSETS))]
    seconds: list[float] = []
    covered: list[bool] = []
    flagged: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for number in range(FAMILIES):
        points, roots = family(kinds, np.random.default_rng(number))
        began = perf_counter()
        found = measure(points, roots, CURVE.models, [CURVE])
        seconds.append(perf_counter() - began)
        _flag(flagged, found, kinds, limits.fdr, limits.min_points)
        covered += _covers(found, kinds)
    what = f"{FAMILIES} families of {len(VALUES)} settings, {len(SUBSETS)} subsets, n = {PROMPTS}"
    yield at_least(f"planted conflicts along a knob found, of {what}", 100 * np.mean(flagged["conflict"]).item(), 95, " %")
    for kind in list(KINDS)[1:]:
        yield at_most(f"false conflicts along a knob of {kind} pairs", 100 * np.mean(flagged[kind]).item(), 5, " %")
    yield at_least("95 % intervals of the hypervolume that hold that of the planted front", 100 * np.mean(covered).item(), 90, " %")
    yield at_most(f"fronts of {len(VALUES)} settings × {len(SUBSETS)} subsets × {PROMPTS} prompts", min(seconds), 2, " s")


def levels(kind: str) -> Floats:
    """True means of both dimensions at each setting, (2, settings)."""
    share = np.linspace(-0.5, 0.5, len(VALUES))
    return np.stack([0.55 + EFFECT * direction * share for direction in KINDS[kind]])


def family(kinds: Sequence[str], draw: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Points and roots of a family, a kind for each subset: a level of the prompt, a slope of its own, and noise of each picture."""
    frames = []
    for (task, pair), kind in zip(SUBSETS, kinds, strict=True):
        shape = (2, len(VALUES), PROMPTS)
        noise = draw.uniform(-0.2, 0.2, shape)
        if kind == "anticorrelated":
            noise[1] = -noise[0]
        slope = np.linspace(-0.5, 0.5, len(VALUES))[:, None] * draw.uniform(-0.1, 0.1, (2, 1, PROMPTS))
        x, y = levels(kind)[..., None] + draw.uniform(-0.15, 0.15, (2, 1, PROMPTS)) + slope + noise
        named = {"model": np.repeat(CURVE.models, PROMPTS), "data_id": np.tile([f"{pair}_{n:03}" for n in range(PROMPTS)], len(VALUES))}
        frame = pl.DataFrame({**named, "x": x.ravel(), "y": y.ravel()})
        frames.append(frame.with_columns(task=pl.lit(task.value, TASK), pair=pl.lit(str(pair), PAIR), number=pl.lit(0, pl.Int32)))
    points = pl.concat(frames)
    roots = points.select("task", "data_id").unique(maintain_order=True).with_row_index("root")
    return points, roots


def _flag(flagged: dict[str, list[bool]], found: Fronts, kinds: Sequence[str], fdr: float, least: int) -> None:
    """Adds to each kind, of each of its pairs, whether it was named a conflict in the planted direction, or in any where none was planted."""
    named = {(row["task"], row["pair"]): row["rises"] for row in found_conflicts(found.conflicts, fdr, least).iter_rows(named=True)}
    for (task, pair), kind in zip(SUBSETS, kinds, strict=True):
        rises = named.get((task.value, str(pair)))
        flagged[kind].append(rises == pair.x.value if kind == "conflict" else rises is not None)


def _covers(found: Fronts, kinds: Sequence[str]) -> Iterator[bool]:
    """Whether the interval of each hypervolume holds the true one."""
    rows = found.areas.filter(curve=CURVE.name).rows_by_key(("task", "pair"), named=True, unique=True)
    for (task, pair), kind in zip(SUBSETS, kinds, strict=True):
        row, true = rows[task.value, str(pair)], float(hypervolume(*levels(kind)))
        yield row["area_low"] <= true <= row["area_high"]
