"""Converts score rows to point clouds, and prompts to their root prompts."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from trig import tables
from trig.classify.stack import Clouds
from trig.params.thresholds import Thresholds
from trig.tables.diagnostics import DIAGNOSED
from trig.tables.kinds import DIMENSION, PAIR, TASK
from trig.tables.scores import SCORES
from trig.vocabulary.dimensions import Pair

KEY = ("model", "task", "pair")
SAMPLE = (*KEY, "data_id", "number")
ANSWER = ("off_mass", "stderr")
"""Quality of the judge's answers; null for a scorer without any."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Point clouds of a run: one for each model, task and pair."""

    keys: pl.DataFrame  # one row per cloud: model, task, pair, nulls, clusters; of a run also off_mass and noise
    clouds: Clouds
    seeds: int  # pictures per prompt

    def limits(self, thresholds: Thresholds) -> Thresholds:
        """Thresholds of these points: see `of_points`."""
        return of_points(thresholds, self.seeds)


def of_points(thresholds: Thresholds, seeds: int) -> Thresholds:
    """Thresholds of point clouds: `min_points` counts prompts, each of which has `seeds` points."""
    return thresholds if seeds == 1 else thresholds.model_copy(update={"min_points": thresholds.min_points * seeds})


def seeds_of(points: pl.DataFrame) -> int:
    """Pictures per prompt: the largest number and one."""
    return int(points.select(pl.col("number").max().fill_null(0) + 1).item())


def scored_columns(column: str) -> tables.Table:
    """Columns of the scores table needed for the points of this score column."""
    return SCORES.only((*SAMPLE, "dimension", column))


def diagnosed_columns(column: str) -> tables.Table:
    """The same, with the quality of the judge's answers."""
    return DIAGNOSED.only((*SAMPLE, "dimension", *ANSWER, column))


def roots(prompts: pl.DataFrame) -> pl.DataFrame:
    """Root prompt of each prompt, following parents transitively: task, data_id, root. A prompt without a parent is its own root."""
    parent = {(task, child): name for task, child, name in prompts.select("task", "data_id", "parent").iter_rows() if name is not None}
    rows = []
    for task, data_id in prompts.select("task", "data_id").unique(maintain_order=True).iter_rows():
        root, seen = data_id, {data_id}
        while (above := parent.get((task, root))) is not None and above not in seen:
            root = above
            seen.add(above)
        rows.append((task, data_id, root))
    return pl.DataFrame(rows, schema={"task": TASK, "data_id": pl.String, "root": pl.String}, orient="row")


def rooted(scores: pl.DataFrame, prompts: pl.DataFrame) -> pl.DataFrame:
    """Scores with a column `root`, the number of the root prompt (cluster label)."""
    joined = scores.join(roots(prompts), on=["task", "data_id"], how="left", maintain_order="left")
    return joined.with_columns(root=pl.struct("task", "root").rank("dense").cast(pl.Int64))


def points(scores: pl.DataFrame, column: str) -> pl.DataFrame:
    """Points table: one row per sample, a picture, with its score on the pair's two dimensions (`x`, `y`; null where missing), sorted by key.

    Pairs are put into canonical order. Scores on other dimensions are ignored.
    """
    return _side_by_side(_of_its_pair(scores.select(*SAMPLE, "dimension", score=pl.col(column))))


def gather(scores: pl.DataFrame, column: str, roots: pl.DataFrame | None) -> Samples:
    """Point clouds of a run. Prompts that `roots` does not name, or all without it, are their own roots."""
    own = _of_its_pair(scores.select(*SAMPLE, "dimension", *ANSWER, score=pl.col(column)))
    samples = grouped(_side_by_side(own), roots)
    of_the_judge = own.group_by(KEY).agg(**_of_the_judge())
    return Samples(samples.keys.join(of_the_judge, on=KEY, how="left", maintain_order="left"), samples.clouds, samples.seeds)


def grouped(points: pl.DataFrame, roots: pl.DataFrame | None = None) -> Samples:
    """Point clouds of these points, which are sorted by key; without judge statistics."""
    whole = pl.col("x").is_not_null() & pl.col("y").is_not_null()
    samples = points.with_columns(root=_root(points, roots))
    keys = samples.group_by(KEY, maintain_order=True).agg(
        nulls=(~whole).sum().cast(pl.Int64), n=whole.sum(), clusters=pl.col("root").filter(whole).n_unique().cast(pl.Int64)
    )
    scored = samples.filter(whole)
    x, y = (scored[side].to_numpy().astype(np.float64) for side in ("x", "y"))
    clouds = Clouds(x, y, scored["root"].to_numpy(), keys["n"].to_numpy().astype(np.intp))
    return Samples(keys.drop("n"), clouds, seeds_of(points))


def _of_the_judge() -> dict[str, pl.Expr]:
    """Judge statistics of a pair: mean off-grade mass and root-mean-square standard error. Sorted, so float sums are reproducible."""
    off_mass, stderr = (pl.col(name).drop_nulls().sort() for name in ANSWER)
    return {"off_mass": off_mass.mean(), "noise": stderr.pow(2).mean().sqrt()}


def _side_by_side(own: pl.DataFrame) -> pl.DataFrame:
    """One row per sample, sorted by key."""
    x, y = (own.filter(pl.col("side") == side).select(*SAMPLE, pl.col("score").alias(side)).sort(SAMPLE) for side in ("x", "y"))
    if x.select(SAMPLE).equals(y.select(SAMPLE)):  # every sample has a row for both sides: no need to look for the partner
        return x.with_columns(y["y"])
    return x.join(y, on=SAMPLE, how="full", coalesce=True).sort(SAMPLE)


def _root(samples: pl.DataFrame, roots: pl.DataFrame | None) -> pl.Series:
    """Cluster label of each sample: dense rank of the name of its prompt's root. All seeds of a prompt have one root."""
    if roots is None:
        return samples.select(root=pl.col("data_id").rank("dense").cast(pl.Int64))["root"]
    named = samples.select("task", "data_id").join(roots, on=["task", "data_id"], how="left", maintain_order="left")
    return named.select(root=pl.col("root").fill_null(pl.col("data_id")).rank("dense").cast(pl.Int64))["root"]


def _of_its_pair(scores: pl.DataFrame) -> pl.DataFrame:
    """Scores on the two dimensions of their pair, with the canonical pair and `side`: x or y."""
    pairs = {str(name): Pair.parse(str(name)) for name in scores["pair"].unique()}
    rows = [(name, str(pair), side, code) for name, pair in pairs.items() for side, code in (("x", pair.x.value), ("y", pair.y.value))]
    known = pl.DataFrame(rows, {"pair": scores.schema["pair"], "canonical": PAIR, "side": pl.String, "dimension": DIMENSION}, orient="row")
    own = scores.join(known, on=["pair", "dimension"], how="inner", maintain_order="left")
    return own.with_columns(pair=pl.col("canonical")).drop("canonical")
