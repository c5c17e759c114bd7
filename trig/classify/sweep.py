"""What becomes of the relations when thresholds move: every verdict at every setting, and where it flips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product

import numpy as np
import polars as pl
from pydantic import ValidationError

from trig import tables
from trig.classify.cloud import RELATIONS, Central, Counts, verdicts
from trig.classify.order import Places
from trig.classify.relations import measured
from trig.classify.samples import KEY, Samples
from trig.dimensions import Relation
from trig.errors import ParamsError
from trig.params import Thresholds

WHERE = ("synergy", "bottleneck", "min_points")
"""Thresholds that decide what is counted; the others decide only what the counts are called."""
NAMES = (*WHERE, "synergy_density", "bottleneck_density", "tilt_ratio", "dispersion_corr")
"""Thresholds that can be swept: the numbers that decide a verdict."""
MOST = 2000
"""Settings of one sweep."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A threshold and the values it takes."""

    name: str
    values: tuple[float, ...]


def axis(text: str) -> Axis:
    """The axis written `name=from:to:step`, both ends included, or `name=value,value`. Raises ParamsError."""
    name, _, said = text.partition("=")
    if name not in NAMES:
        raise ParamsError(f"{text}: {name!r} is no threshold that can be swept; choose from {', '.join(NAMES)}")
    try:
        numbers = [float(part) for part in said.replace(":", ",").split(",")]
    except ValueError:
        numbers = []
    if ":" not in said and numbers and np.isfinite(numbers).all():
        return Axis(name, tuple(dict.fromkeys(numbers)))
    if "," in said or len(numbers) != 3 or not np.isfinite(numbers).all() or numbers[2] <= 0 or numbers[1] < numbers[0]:
        raise ParamsError(f"{text}: write {name}=from:to:step with from ≤ to and a step above 0, or {name}=value,value")
    start, end, step = numbers
    count = (end - start) / step + 1 + 1e-9
    if count > MOST:
        raise ParamsError(f"{text}: more than {MOST} values; take a larger step")
    return Axis(name, tuple(round(start + place * step, 10) for place in range(int(count))))


def sweep(samples: Samples, thresholds: Thresholds, axes: Sequence[Axis]) -> pl.DataFrame:
    """The relation of each pair at each setting: a column per axis, model, task, pair and relation, in the order of the axes' values.

    The relations are those of `relations` with these thresholds. Raises ParamsError when a setting is impossible, or for too many of them.
    """
    settings = [dict(zip((one.name for one in axes), values, strict=True)) for values in product(*(one.values for one in axes))]
    if len({one.name for one in axes}) < len(axes) or len(settings) > MOST:
        raise ParamsError(f"{len(settings)} settings: at most {MOST}, of different thresholds")
    able = [_with(thresholds, setting) for setting in settings]
    counted: dict[tuple[float, ...], list[tuple[Places, Central, Counts]]] = {}
    frames = []
    for setting, limits in zip(settings, able, strict=True):
        place = tuple(getattr(limits, name) for name in WHERE)
        if place not in counted:
            counted = {place: list(measured(samples.clouds, limits))}
        names = pl.Series("relation", _relations(counted[place], limits, samples.keys.height), tables.RELATION)
        frames.append(samples.keys.select(*(pl.lit(value).alias(name) for name, value in setting.items()), *KEY, names))
    return pl.concat(frames)


def _with(thresholds: Thresholds, setting: Mapping[str, float]) -> Thresholds:
    """The thresholds with a setting's values. Raises ParamsError where they are impossible."""
    values = {name: int(value) if name == "min_points" and value == int(value) else value for name, value in setting.items()}
    try:
        return Thresholds.model_validate(thresholds.model_dump() | values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"thresholds.{first['loc'][0]}: {first['input']}" if first["loc"] else "thresholds"
        raise ParamsError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


def _relations(counted: Sequence[tuple[Places, Central, Counts]], thresholds: Thresholds, height: int) -> list[str]:
    found = [Relation.NONE.value] * height
    for batch, place, counts in counted:
        for at, verdict in zip(batch.tolist(), verdicts(counts, place.rho, thresholds)[:, 0].tolist(), strict=True):
            found[at] = RELATIONS[verdict].value
    return found


def counts(swept: pl.DataFrame, now: pl.DataFrame, axes: Sequence[Axis]) -> pl.DataFrame:
    """At each setting how many pairs show each relation (`n_<relation>`), and `kept`: the share of pairs with the relation they have in `now`."""
    names = [one.name for one in axes]
    both = swept.join(now.select(*KEY, now="relation"), on=KEY, how="left", maintain_order="left")
    shown = [pl.col("relation").eq(relation.value).sum().alias(f"n_{relation}") for relation in Relation]
    return both.group_by(names, maintain_order=True).agg(*shown, kept=pl.col("relation").eq(pl.col("now")).mean())


def flips(swept: pl.DataFrame, axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    """The pairs whose relation changes along the first axis: model, task, pair, the value of the second axis or "", and the runs in words."""
    rest = [one.name for one in axes[1:]]
    found = []
    for key, rows in swept.group_by(*KEY, *rest, maintain_order=True):
        runs = list(_runs(rows.select(axes[0].name, "relation").rows()))
        if len(runs) > 1:
            found.append((*map(str, key[:3]), *(f"{value:g}" for value in key[3:]), "; ".join(runs)))
    return found


def _runs(rows: Sequence[tuple[float, str]]) -> Iterator[str]:
    """Stretches of values with one relation: `tilt 0.6–0.75`."""
    for relation, run in groupby(rows, key=lambda row: row[1]):
        values = [value for value, _ in run]
        yield f"{relation} {values[0]:g}" + (f"–{values[-1]:g}" if len(values) > 1 else "")
