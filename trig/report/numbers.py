"""Report statistics: cluster-robust means and paired differences; a cluster is a root prompt with its copies, edits and seeds.

`answers` are scores without the duplicates of pictures that belong to several pairs (`trig.tables.scores.distinct`). Both have a column
`root`, the cluster label. Intervals are 95 % cluster-robust ones (`trig.stats.clustered`).
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trig.report.facts.digest import Change, Step, Tuning
from trig.report.facts.parts import Moves
from trig.stats import paired
from trig.stats.clustered import Tested, around, clustered_mean

SAMPLE = ("task", "pair", "data_id", "number", "dimension")
SEED = ("data_id", "number")
DECIMALS = 8
"""Decimals of a pair's mean differences, to keep the page small."""
BINS = 20
"""Histogram bins of confidence, 0 to 1."""
LEAST_MASS = -6
"""log10 of the lowest off-grade mass in its histogram; lower ones are clipped. Bins are half a decade wide."""


def means(answers: pl.DataFrame, column: str) -> pl.DataFrame:
    """Mean score per model and dimension with its interval: model, dimension, mean, low, high, n, nulls.

    Null unless scored on every task in which any model was scored on this dimension.
    """
    found = clustered_means(answers, ("model", "dimension"), column)
    told = found.join(_comparable(answers, column), on=["model", "dimension"], how="left", maintain_order="left")
    return told.with_columns(pl.when("comparable").then(pl.col("mean", "low", "high"))).drop("comparable")


def levels(answers: pl.DataFrame, column: str) -> pl.DataFrame:
    """Macro-average over a model's dimension means, equally weighted, with its interval: model, mean, low, high, n, nulls.

    Null unless scored on every dimension and task in which any model was scored. The interval sums each score's influence within a root, so
    it allows for correlation between the dimensions of a picture.
    """
    known = _influences(answers, ("model", "dimension"), column)
    dimensions = pl.col("dimension").n_unique()
    every = known["dimension"].n_unique()
    whole = _comparable(answers, column).group_by("model").len().filter(pl.col("len") == every)
    of = known.unique(["model", "dimension"], maintain_order=True).join(whole, on="model", how="semi").group_by("model")
    level = of.agg(mean=pl.col("own").sort().mean())
    counts = answers.group_by("model").agg(n=pl.col(column).count(), nulls=pl.col(column).null_count()).sort("model")
    found = counts.join(level, on="model", how="left", maintain_order="left")
    return _with_interval(found, known.with_columns(pl.col("influence") / dimensions.over("model")), ("model",))


def changes(scores: pl.DataFrame, tuning: Tuning, column: str) -> pl.DataFrame:
    """Effect of fine-tuning per task, paired on samples scored by both models: each dimension over all pairs, and per trained pair.

    `mean` is after - before with its paired interval; null with a single root. `pair` is null for rows over all pairs, in which a picture
    of several pairs counts once.
    """
    shared = paired.both(scores, tuning.base, tuning.tuned, SAMPLE, (column, "key")).drop_nulls([column, f"{column}_after"])
    shared = shared.rename({column: "before", f"{column}_after": "after"}).with_columns(
        change=pl.col("after") - pl.col("before"), pair=pl.col("pair").cast(pl.String)
    )
    trained = shared.filter(pl.col("pair").is_in(tuning.pairs))
    whole = paired.once(shared).with_columns(pair=pl.lit(None, dtype=pl.String))
    side = [pl.col("before").sort().mean(), pl.col("after").sort().mean()]
    return clustered_means(pl.concat([trained, whole]), ("task", "pair", "dimension"), "change", *side)


def couples(scores: pl.DataFrame, column: str, order: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], list[Change]]:
    """Paired mean differences of model pairs, per task and dimension: the rows of `changes` over all pairs."""
    samples = scores.select(*SAMPLE, "root").unique().sort(*SAMPLE)
    values, keys = {}, {}
    for model in {model for couple in order for model in couple}:
        own = scores.filter(pl.col("model") == model).select(*SAMPLE, column, "key")
        side = samples.join(own, on=SAMPLE, how="left", maintain_order="left")
        values[model] = side[column].fill_null(float("nan")).to_numpy()
        keys[model] = side.select(pl.struct("number", "key").rank("dense")).to_series().to_numpy()  # of several pairs' samples: one
    columns = samples.select(pl.col("task", "dimension").cast(pl.String), place=pl.struct("task", "dimension").rank("dense"))
    places, roots = columns["place"].to_numpy(), samples["root"].to_numpy()
    names = columns.unique().sort("place").rows()
    found = {}
    for a, b in order:
        known = np.flatnonzero(~np.isnan(values[a]) & ~np.isnan(values[b]))
        _, first = np.unique(keys[a][known].astype(np.int64) << 32 | keys[b][known].astype(np.int64), return_index=True)
        own = known[np.sort(first)]
        found[a, b] = [
            _change(task, dimension, paired.moved_by(values[a][of], values[b][of], roots[of]))
            for task, dimension, place in names
            if (of := own[places[own] == place]).size
        ]
    return found


def _change(task: str, dimension: str, of: paired.Moved) -> Change:
    assert of.change.value is not None  # there is a sample
    return {
        "task": task,
        "pair": None,
        "dimension": dimension,
        "before": of.before,
        "after": of.after,
        "mean": of.change.value,
        "low": of.change.low,
        "high": of.change.high,
        "n": of.n,
    }


def moves(points: pl.DataFrame, roots: pl.DataFrame, models: Sequence[str]) -> dict[str, list[Moves]]:
    """Paired mean differences of each pair's dimensions, from each model to later ones, on samples scored on both dimensions by both.

    Per task, in the order of the points. `roots` has task, data_id and `root`.
    """
    found: dict[str, dict[tuple[str, str], Moves]] = {}
    rooted = points.join(roots, on=["task", "data_id"], how="left", maintain_order="left")
    for (task, pair), part in rooted.partition_by("task", "pair", as_dict=True).items():
        own = found.setdefault(str(task), {})
        samples = part.select(*SEED, "root").unique().sort(SEED)
        sides = [samples.join(part.filter(pl.col("model") == model), on=SEED, how="left", maintain_order="left") for model in models]
        values = [side.select(pl.col("x", "y").fill_null(float("nan"))).to_numpy() for side in sides]
        for (a, before), (b, after) in combinations(zip(models, values, strict=True), 2):
            told = own.setdefault((a, b), Moves(a=a, b=b, pair=[], n=[], x=[], x_low=[], x_high=[], y=[], y_low=[], y_high=[]))
            _move(told, str(pair), after - before, samples["root"].to_numpy())
    return {task: list(own.values()) for task, own in found.items()}


def _move(told: Moves, pair: str, change: NDArray[np.float64], roots: NDArray[np.int64]) -> None:
    """Adds a pair; null without samples."""
    known = ~np.isnan(change).any(axis=1)
    x, y = (clustered_mean(side, roots[known]) if known.any() else Tested(None, None, None, None) for side in change[known].T)
    told["pair"].append(pair)
    told["n"].append(int(known.sum()))
    for column, value in (
        *((told["x"], x.value), (told["x_low"], x.low), (told["x_high"], x.high)),
        *((told["y"], y.value), (told["y_low"], y.low), (told["y_high"], y.high)),
    ):
        column.append(None if value is None else round(value, DECIMALS))


def diagnoses(answers: pl.DataFrame) -> pl.DataFrame:
    """Judge diagnostics per model and dimension: n, nulls; mean, 5th and 95th percentile of confidence C and off-grade mass."""
    kinds = [
        pl.col(name).sort().mean().alias(f"{name}_mean") if end is None else pl.col(name).quantile(end).alias(f"{name}_{round(100 * end)}")
        for name in ("confidence", "off_mass")
        for end in (None, 0.05, 0.95)
    ]
    return answers.group_by("model", "dimension").agg(*kinds, n=pl.len(), nulls=pl.col("expected").null_count()).sort("model", "dimension")


def histogram(answers: pl.DataFrame, column: str) -> list[Step]:
    """Normalised histogram per dimension of `confidence`, or of log10 `off_mass`: dimension, low, high, share."""
    known = answers.drop_nulls(column)
    masses = column == "off_mass"
    edges: Sequence[float] = np.arange(LEAST_MASS, 0.1, 0.5).tolist() if masses else np.linspace(0, 1, BINS + 1).round(4).tolist()
    value = pl.col(column).clip(10.0**LEAST_MASS).log10() if masses else pl.col(column)
    width = edges[1] - edges[0]
    step = ((value - edges[0]) / width).floor().clip(0, len(edges) - 2).cast(pl.Int64)
    counted = known.group_by("dimension", step=step).len().sort("dimension", "step")
    shares = counted.with_columns(share=pl.col("len") / pl.col("len").sum().over("dimension"))
    return [
        {"dimension": dimension, "low": edges[place], "high": edges[place + 1], "share": round(share, 5)}
        for dimension, place, share in shares.select("dimension", "step", "share").iter_rows()
    ]


def nulls(answers: pl.DataFrame, column: str) -> pl.DataFrame:
    """Counts of missing scores: model, reason, n."""
    missing = answers.filter(pl.col(column).is_null())
    counted = missing.group_by("model", pl.col("reason").fill_null("no reason given")).agg(n=pl.len())
    return counted.sort("model", "reason")


def _comparable(answers: pl.DataFrame, column: str) -> pl.DataFrame:
    """Dimensions that a model has scored on every task in which any model was: model, dimension, comparable (true)."""
    cells = answers.drop_nulls(column).select("model", "dimension", "task").unique()
    every = cells.group_by("dimension").agg(every=pl.col("task").n_unique())
    own = cells.group_by("model", "dimension").agg(has=pl.len()).join(every, on="dimension")
    return own.filter(pl.col("has") == pl.col("every")).select("model", "dimension", comparable=pl.lit(True))


def clustered_means(samples: pl.DataFrame, of: Sequence[str], column: str, *more: pl.Expr) -> pl.DataFrame:
    """Mean of a column per group with its cluster-robust interval: the group, `more`, mean, low, high, n, nulls; sorted."""
    values = pl.col(column)
    found = samples.group_by(of).agg(*more, mean=values.sort().mean(), n=values.count(), nulls=values.null_count())
    return _with_interval(found.sort(of, nulls_last=True), _influences(samples, of, column), of)


def _influences(samples: pl.DataFrame, of: Sequence[str], column: str) -> pl.DataFrame:
    """Scored samples with group mean (`own`) and influence of each on it (`influence`)."""
    own = pl.col(column).sort().mean().over(of)  # sorted here and below: reproducible float sums
    return samples.drop_nulls(column).with_columns(own=own, influence=(pl.col(column) - own) / pl.len().over(of))


def _with_interval(found: pl.DataFrame, samples: pl.DataFrame, of: Sequence[str]) -> pl.DataFrame:
    """Cluster-robust interval of each group's mean from the samples' influences; null where undefined."""
    roots = samples.group_by(*of, "root").agg(pl.col("influence").sort().sum()).sort("root").group_by(of).agg("influence")
    joined = found.join(roots, on=of, how="left", nulls_equal=True, maintain_order="left")
    ends = [
        (None, None) if mean is None else around(mean, np.array(influence))[1:3]
        for mean, influence in joined.select("mean", "influence").iter_rows()
    ]
    return found.hstack(pl.DataFrame(ends, schema={"low": pl.Float64, "high": pl.Float64}, orient="row"))
