"""The numbers of the report: means with intervals, changes between two models, and what the judge was like.

`answers` are scores of which each model's answers stand there once, as `trig.tables.distinct` gives them, so that a picture that stands in several
pairs counts once. Both have a column `root`, a number for the prompt that this one was copied or edited from in the end. Intervals are 95 % ones over
roots, as `trig.clustered` finds them.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trig.clustered import around, clustered_mean
from trig.report.contents import Tuning

SAMPLE = ("task", "pair", "data_id", "dimension")
DECIMALS = 8
"""Of what a pair's means move by: there are thousands of them."""
BINS = 20
"""Steps of a histogram of confidence, 0 to 1."""
LEAST_MASS = -6
"""Off-grade mass at or below 10^-6 stands in the first step of its histogram, which has one step for each half power of ten."""


def means(answers: pl.DataFrame, column: str) -> pl.DataFrame:
    """Mean per model and dimension, with its interval: model, dimension, mean, low, high, n, nulls.

    A model that has no score in a task in which another has some, in this dimension, has no mean of it: it would be one of other things.
    """
    found = _means(answers, ("model", "dimension"), column)
    told = found.join(_comparable(answers, column), on=["model", "dimension"], how="left", maintain_order="left")
    return told.with_columns(pl.when("comparable").then(pl.col("mean", "low", "high"))).drop("comparable")


def levels(answers: pl.DataFrame, column: str) -> pl.DataFrame:
    """Mean of each model's dimension means, each dimension counting the same, with its interval: model, mean, low, high, n, nulls.

    A model that has no score in a dimension, or in a task of it, in which another has some has no mean: it would be one of other things. The scores of
    one picture vary together, and so do those of one root, which moves the mean by the sum of what each of its scores moves it by.
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
    """What tuning changed in each task, on samples that both models have a score for: each dimension over all pairs, and each trained pair by itself.

    `mean` is that of after minus before, with the interval of the paired difference; null where one root gives none. `pair` is null for the rows over all
    pairs, in which a picture that stands in several pairs counts once.
    """
    before, after = (
        scores.filter(pl.col("model") == model).select(*SAMPLE, "root", column, "key") for model in (tuning.base, tuning.tuned)
    )
    both = before.join(after.drop("root"), on=SAMPLE, suffix="_after").drop_nulls(column).drop_nulls(f"{column}_after")
    both = both.rename({column: "before", f"{column}_after": "after"}).with_columns(
        change=pl.col("after") - pl.col("before"), pair=pl.col("pair").cast(pl.String)
    )
    trained = both.filter(pl.col("pair").is_in(tuning.pairs))
    whole = both.unique(["key", "key_after"], keep="first", maintain_order=True).with_columns(pair=pl.lit(None, dtype=pl.String))
    side = [pl.col("before").sort().mean(), pl.col("after").sort().mean()]
    return _means(pl.concat([trained, whole]), ("task", "pair", "dimension"), "change", *side)


def couples(
    scores: pl.DataFrame, column: str, order: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], list[dict[str, float | str | None]]]:
    """What changes from one model to another, for each of these couples, each task and each dimension: the rows of `changes` over all pairs, without `pair`
    and `nulls`.
    """
    samples = scores.select(*SAMPLE, "root").unique().sort(*SAMPLE)
    values, keys = {}, {}
    for model in {model for couple in order for model in couple}:
        own = scores.filter(pl.col("model") == model).select(*SAMPLE, column, "key")
        side = samples.join(own, on=SAMPLE, how="left", maintain_order="left")
        values[model] = side[column].fill_null(float("nan")).to_numpy()
        keys[model] = side["key"].rank("dense").fill_null(0).to_numpy()
    columns = samples.select(pl.col("task", "dimension").cast(pl.String), place=pl.struct("task", "dimension").rank("dense"))
    places, roots = columns["place"].to_numpy(), samples["root"].to_numpy()
    names = columns.unique().sort("place").rows()
    found = {}
    for a, b in order:
        both = np.flatnonzero(~np.isnan(values[a]) & ~np.isnan(values[b]))
        _, first = np.unique(keys[a][both].astype(np.int64) << 32 | keys[b][both].astype(np.int64), return_index=True)
        once = both[np.sort(first)]
        found[a, b] = [
            {"task": task, "dimension": dimension, **_paired(values[a][once[own]], values[b][once[own]], roots[once[own]])}
            for task, dimension, place in names
            if (own := places[once] == place).any()
        ]
    return found


def _paired(before: NDArray[np.float64], after: NDArray[np.float64], roots: NDArray[np.int64]) -> dict[str, float | None]:
    told = clustered_mean(after - before, np.unique(roots, return_inverse=True)[1])
    sides = {"before": float(before.mean()), "after": float(after.mean())}
    return sides | {"mean": told.value, "n": before.size, "low": told.low, "high": told.high}


def moves(points: pl.DataFrame, roots: pl.DataFrame, models: Sequence[str]) -> dict[str, dict[str, dict[str, list[float | None]]]]:
    """How far the two means of each pair move from one model to a later one, on samples scored on both dimensions in both: task → `a|b` → pair → n, then
    mean, low and high of the first dimension and of the second. `roots` has the `root` of each task and data_id.
    """
    found: dict[str, dict[str, dict[str, list[float | None]]]] = {}
    rooted = points.join(roots, on=["task", "data_id"], how="left", maintain_order="left")
    for (task, pair), part in rooted.partition_by("task", "pair", as_dict=True).items():
        own = found.setdefault(str(task), {})
        samples = part.select("data_id", "root").unique().sort("data_id")
        sides = [samples.join(part.filter(pl.col("model") == model), on="data_id", how="left", maintain_order="left") for model in models]
        values = [side.select(pl.col("x", "y").fill_null(float("nan"))).to_numpy() for side in sides]
        for a, b in combinations(range(len(models)), 2):
            change = values[b] - values[a]
            told = _move(change, samples["root"].to_numpy())
            own.setdefault(f"{models[a]}|{models[b]}", {})[str(pair)] = told
    return found


def _move(change: NDArray[np.float64], roots: NDArray[np.int64]) -> list[float | None]:
    known = ~np.isnan(change).any(axis=1)
    if not known.any():
        return [0, *[None] * 6]
    groups = np.unique(roots[known], return_inverse=True)[1]
    x, y = (clustered_mean(side, groups) for side in change[known].T)
    return [int(known.sum()), *(None if value is None else round(value, DECIMALS) for value in (*x[:3], *y[:3]))]


def judged(answers: pl.DataFrame) -> pl.DataFrame:
    """What the judge was like, per model and dimension: answers, nulls, confidence C and off-grade mass as mean and 5th and 95th percentile."""
    kinds = [
        pl.col(name).sort().mean().alias(f"{name}_mean") if end is None else pl.col(name).quantile(end).alias(f"{name}_{round(100 * end)}")
        for name in ("confidence", "off_mass")
        for end in (None, 0.05, 0.95)
    ]
    return answers.group_by("model", "dimension").agg(*kinds, n=pl.len(), nulls=pl.col("expected").null_count()).sort("model", "dimension")


def histogram(answers: pl.DataFrame, column: str) -> list[dict[str, object]]:
    """The share of a dimension's answers in each step of `confidence` or `off_mass` (there the steps are half powers of ten): dimension, low, high,
    share."""
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


def nulls(answers: pl.DataFrame, column: str) -> list[tuple[str, str, int]]:
    """How often a score is missing, per model and reason."""
    missing = answers.filter(pl.col(column).is_null())
    counted = missing.group_by("model", pl.col("reason").fill_null("no reason given")).agg(n=pl.len())
    return list(counted.sort("model", "reason").iter_rows())


def _comparable(answers: pl.DataFrame, column: str) -> pl.DataFrame:
    """The dimensions of each model in which it has scores in every task in which any model has some: model, dimension, comparable (true)."""
    cells = answers.drop_nulls(column).select("model", "dimension", "task").unique()
    every = cells.group_by("dimension").agg(every=pl.col("task").n_unique())
    own = cells.group_by("model", "dimension").agg(has=pl.len()).join(every, on="dimension")
    return own.filter(pl.col("has") == pl.col("every")).select("model", "dimension", comparable=pl.lit(True))


def _means(samples: pl.DataFrame, of: Sequence[str], column: str, *more: pl.Expr) -> pl.DataFrame:
    values = pl.col(column)
    found = samples.group_by(of).agg(*more, mean=values.sort().mean(), n=values.count(), nulls=values.null_count())
    return _with_interval(found.sort(of, nulls_last=True), _influences(samples, of, column), of)


def _influences(samples: pl.DataFrame, of: Sequence[str], column: str) -> pl.DataFrame:
    """The samples that have a value, with the mean of their group (`own`) and how far each moves it (`influence`)."""
    own = pl.col(column).sort().mean().over(of)  # sorted, here and below, so that a sum does not depend on the order of rows
    return samples.drop_nulls(column).with_columns(own=own, influence=(pl.col(column) - own) / pl.len().over(of))


def _with_interval(found: pl.DataFrame, samples: pl.DataFrame, of: Sequence[str]) -> pl.DataFrame:
    """The interval of each group's mean, null where there is none, from how far its samples move it."""
    roots = samples.group_by(*of, "root").agg(pl.col("influence").sort().sum()).sort("root").group_by(of).agg("influence")
    joined = found.join(roots, on=of, how="left", nulls_equal=True, maintain_order="left")
    ends = [
        (None, None) if mean is None else around(mean, np.array(influence))[1:3]
        for mean, influence in joined.select("mean", "influence").iter_rows()
    ]
    return found.hstack(pl.DataFrame(ends, schema={"low": pl.Float64, "high": pl.Float64}, orient="row"))
