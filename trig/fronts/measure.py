"""Fronts of a run: settings, areas and conflicts along each knob, as tables."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from trig import tables
from trig.fronts.cells import Cell, cells, volume
from trig.fronts.knob import along
from trig.fronts.plane import pareto
from trig.params.sweeps import Curve
from trig.stats.clustered import Tested, clustered_mean
from trig.stats.fdr import q_values
from trig.tables.kinds import PAIR, TASK

SIDES = ("x", "y")
_INTERVALS = {f"{side}{end}": pl.Float64 for side in SIDES for end in ("", "_low", "_high")}
_MOVES = {f"{kind}_{name}": pl.Float64 for kind in ("trend", "change") for name in _INTERVALS}
SETTINGS = tables.Table(
    "settings",
    {
        "task": TASK,
        "pair": PAIR,
        "model": pl.String,
        "n": pl.Int64,  # samples scored on both dimensions
        **_INTERVALS,  # mean of either dimension with its cluster-robust 95 % interval
        "front": pl.Boolean,  # on the Pareto front of all models
    },
    ("task", "pair", "model"),
    frozenset(_INTERVALS),
)
AREAS = tables.Table(
    "areas",
    {
        "task": TASK,
        "pair": PAIR,
        "curve": pl.String,  # null: all models
        "area": pl.Float64,  # hypervolume above (0, 0)
        "area_low": pl.Float64,  # 95 % interval of the basic cluster bootstrap
        "area_high": pl.Float64,
    },
    ("task", "pair", "curve"),
    frozenset({"curve", "area_low", "area_high"}),
)
CONFLICTS = tables.Table(
    "conflicts",
    {
        "curve": pl.String,
        "task": TASK,
        "pair": PAIR,
        "n": pl.Int64,  # samples scored on both dimensions at every setting
        "nulls": pl.Int64,  # samples left out because a score is missing
        "clusters": pl.Int64,  # root prompts of these n samples
        **_MOVES,  # see `trig.fronts.knob.along`
        "p": pl.Float64,
        "q": pl.Float64,  # false discovery rate, over all rows of the table
    },
    ("curve", "task", "pair"),
    frozenset({*_MOVES, "p", "q"}),
)


class Fronts(NamedTuple):
    """The three tables."""

    settings: pl.DataFrame
    areas: pl.DataFrame
    conflicts: pl.DataFrame


def measure(points: pl.DataFrame, roots: pl.DataFrame, models: Sequence[str], curves: Sequence[Curve]) -> Fronts:
    """Fronts of all models, and what each curve's knob does. The order of rows, models and curves decides no figure.

    `points`: POINTS of these models; `roots`: task, data_id, and `root`, the cluster label.
    """
    columns = sorted({*models, *(model for curve in curves for model in curve.models)})
    settings, areas, conflicts = [], [], []
    for cell in cells(points, roots, columns):
        key = {"task": cell.task, "pair": cell.pair}
        own = _settings(cell, columns)
        settings += [key | row for row in own]
        areas += [key | row for row in _areas(cell, columns, curves, own)]
        conflicts += [key | {"curve": curve.name, **along(cell, [columns.index(model) for model in curve.models])} for curve in curves]
    found = _frame(conflicts, CONFLICTS.only([name for name in CONFLICTS.columns if name != "q"])).sort("curve", "task", "pair")
    q = q_values(found["p"].fill_null(float("nan")).to_numpy())
    return Fronts(
        _frame(settings, SETTINGS),
        _frame(areas, AREAS),
        tables.check(found.with_columns(q=pl.Series(q, dtype=pl.Float64).fill_nan(None)), CONFLICTS, "conflicts along a knob"),
    )


def found_conflicts(conflicts: pl.DataFrame, fdr: float, min_clusters: int) -> pl.DataFrame:
    """Conflicts along a knob at this false discovery rate, from at least so many root prompts, with the dimensions that rise and fall."""
    x, y = (pl.col("pair").cast(pl.String).str.split("_").list.get(place) for place in (0, 1))
    up = pl.col("trend_x") > 0
    named = conflicts.filter(pl.col("q") <= fdr, pl.col("clusters") >= min_clusters)
    return named.with_columns(rises=pl.when(up).then(x).otherwise(y), falls=pl.when(up).then(y).otherwise(x))


def _settings(cell: Cell, columns: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for index, model in enumerate(columns):
        known = np.isfinite(cell.x[:, index])
        row: dict[str, Any] = {"model": model, "n": int(known.sum())}
        for side, values in (("x", cell.x), ("y", cell.y)):
            told = clustered_mean(values[known, index], cell.roots[known]) if known.any() else Tested(None, None, None, None)
            row |= {side: told.value, f"{side}_low": told.low, f"{side}_high": told.high}
        rows.append(row)
    on = pareto(*(np.array([row[side] for row in rows], dtype=np.float64) for side in SIDES))
    return [row | {"front": bool(front)} for row, front in zip(rows, on, strict=True)]


def _areas(cell: Cell, columns: Sequence[str], curves: Sequence[Curve], settings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    x, y = (np.array([row[side] for row in settings], dtype=np.float64) for side in SIDES)
    drawn = cell.resampled()
    wanted = [(None, list(range(len(columns)))), *((curve.name, [columns.index(model) for model in curve.models]) for curve in curves)]
    return [{"curve": name, **volume(x[own], y[own], (drawn[0][:, own], drawn[1][:, own]))} for name, own in wanted]


def _frame(rows: Sequence[dict[str, Any]], table: tables.Table) -> pl.DataFrame:
    return tables.check(pl.DataFrame(rows, schema=dict(table.columns)), table, table.name)
