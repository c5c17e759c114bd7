"""Threshold sensitivity analysis: verdicts over a grid of thresholds, and where they flip."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product

import numpy as np
import polars as pl
from pydantic import ValidationError

from trig.classify.arrays import Floats, Places
from trig.classify.relations import named
from trig.classify.rule import Counts, count, leaning, partition, verdicts
from trig.classify.samples import KEY, Samples
from trig.classify.summary import sort_sides, summarise
from trig.errors import ParamsError
from trig.params.thresholds import Thresholds
from trig.vocabulary.relations import Relation

WHERE = ("synergy", "bottleneck", "min_points")
"""Thresholds that affect counts; the others affect only verdicts."""
NAMES = (*WHERE, "synergy_density", "bottleneck_density", "tilt_ratio", "dispersion_corr")
"""Thresholds that can be swept."""
MOST = 2000
"""Maximum number of settings in one sweep."""
Setting = tuple[Mapping[str, float], Thresholds]
"""Values of the swept thresholds, and the full thresholds with them."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Threshold and its grid values."""

    name: str
    values: tuple[float, ...]


def axis(text: str) -> Axis:
    """Parses `name=from:to:step`, both ends included, or `name=value,value`. Raises ParamsError."""
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
    return Axis(name, tuple(round(start + index * step, 10) for index in range(int(count))))


def possible(thresholds: Thresholds, axes: Sequence[Axis]) -> tuple[list[Setting], list[str]]:
    """Settings of the grid, in axis order, and the errors of invalid combinations, which are left out.

    Raises ParamsError for a value invalid by itself, when no setting is valid, and for more than `MOST` settings.
    """
    asked = [dict(zip((one.name for one in axes), values, strict=True)) for values in product(*(one.values for one in axes))]
    if len({one.name for one in axes}) < len(axes) or len(asked) > MOST:
        raise ParamsError(f"{len(asked)} settings: at most {MOST}, of different thresholds")
    able: list[Setting] = []
    wrong = []
    for values in asked:
        try:
            able.append((values, _with(thresholds, values)))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            said = first["msg"].removeprefix("Value error, ")
            if first["loc"]:
                raise ParamsError(f"thresholds.{first['loc'][0]}: {first['input']}: {said}") from None
            wrong.append(f"thresholds: {said}")
    if not able:
        raise ParamsError(wrong[0])
    return able, wrong


def sweep(samples: Samples, settings: Sequence[Setting]) -> pl.DataFrame:
    """Verdicts at each setting: a column per threshold, model, task, pair, relation and leaning, in the order of the settings.

    Equal to `relations` with these thresholds. All settings must have the same correlation.
    """
    kind = settings[0][1].correlation
    stacks = list(samples.clouds.stacks(kind))
    rhos = [summarise(sort_sides(x, y), weights, kind).rho for _, x, y, weights in stacks]
    counted: dict[tuple[float, ...], list[Counts]] = {}
    frames = []
    for values, asked in settings:
        limits = samples.limits(asked)
        place = tuple(getattr(limits, name) for name in WHERE)
        if place not in counted:
            counted[place] = [count(partition(x, y, limits), weights) for _, x, y, weights in stacks]
        own = [(stack.places, rho, counts) for stack, rho, counts in zip(stacks, rhos, counted[place], strict=True)]
        verdict = _verdicts(own, limits, samples.keys["pair"])
        frames.append(samples.keys.select(*(pl.lit(value).alias(name) for name, value in values.items()), *KEY).hstack(verdict))
    return pl.concat(frames)


def _with(thresholds: Thresholds, values: Mapping[str, float]) -> Thresholds:
    whole = {name: int(value) if name == "min_points" and value == int(value) else value for name, value in values.items()}
    return Thresholds.model_validate(thresholds.model_dump() | whole)


def _verdicts(counted: Sequence[tuple[Places, Floats, Counts]], thresholds: Thresholds, pairs: pl.Series) -> pl.DataFrame:
    verdict, leans = np.zeros((2, len(pairs)), np.int64)
    for places, rho, of in counted:
        found = verdicts(of, rho, thresholds)
        verdict[places], leans[places] = found[:, 0], leaning(of, found)[:, 0]
    return named(verdict, leans, pairs)


def counts(swept: pl.DataFrame, now: pl.DataFrame, axes: Sequence[Axis]) -> pl.DataFrame:
    """Pairs per relation at each setting (`n_<relation>`), and `kept`: the share of pairs whose relation and leaning equal those in `now`."""
    names = [one.name for one in axes]
    both = swept.join(now.select(*KEY, now="relation", before="leaning"), on=KEY, how="left", maintain_order="left")
    shown = [pl.col("relation").eq(relation.value).sum().alias(f"n_{relation}") for relation in Relation]
    same = pl.col("relation").eq(pl.col("now")) & pl.col("leaning").eq_missing(pl.col("before"))
    return both.group_by(names, maintain_order=True).agg(*shown, kept=same.mean())


def flips(swept: pl.DataFrame, axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    """Pairs whose relation or leaning flips along the first axis: model, task, pair, value of the second axis if any, and the runs in words."""
    rest = [one.name for one in axes[1:]]
    said = pl.concat_str("relation", pl.lit(" to ") + pl.col("leaning").cast(pl.String), ignore_nulls=True)
    found = []
    for key, rows in swept.group_by(*KEY, *rest, maintain_order=True):
        runs = list(_runs(rows.select(axes[0].name, said).rows()))
        if len(runs) > 1:
            found.append((*map(str, key[:3]), *(f"{value:g}" for value in key[3:]), "; ".join(runs)))
    return found


def _runs(rows: Sequence[tuple[float, str]]) -> Iterator[str]:
    """Runs of values with equal relation: `tilt to IQ-R 0.6–0.75`."""
    for relation, run in groupby(rows, key=lambda row: row[1]):
        values = [value for value, _ in run]
        yield f"{relation} {values[0]:g}" + (f"–{values[-1]:g}" if len(values) > 1 else "")
