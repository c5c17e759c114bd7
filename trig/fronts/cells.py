"""Scores of a pair of dimensions as arrays: a row for each sample, a column for each model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trig.classify.arrays import Floats, divide, product
from trig.classify.draws import resamples
from trig.fronts.plane import hypervolume
from trig.stats.bootstrap import intervals

SAMPLE = ("data_id", "number")
RESAMPLES = 1000
"""Bootstrap resamples of the prompts."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Scores of all models on a pair. A sample is a picture of a prompt; samples with one root are a cluster."""

    task: str
    pair: str
    x: Floats  # (samples, models), NaN where either score is missing
    y: Floats
    roots: NDArray[np.int64]  # (samples,), numbered from 0

    def resampled(self) -> tuple[Floats, Floats]:
        """Means of x and of y under the cluster bootstrap, (resamples, models); NaN where a resample has no score of a model."""
        weights = _weights(int(self.roots.max()) + 1)
        known = np.isfinite(self.x)
        sums = np.zeros((3, known.shape[1], len(weights)))  # of x, y and samples, by model and cluster
        for index, values in enumerate((self.x, self.y, known)):
            np.add.at(sums[index].T, self.roots, np.where(known, values, 0.0))
        x, y, n = product(sums.reshape(1, -1, len(weights)), weights[None])[0].reshape(*sums.shape[:2], -1)
        return divide(x, n).T, divide(y, n).T


def volume(x: Floats, y: Floats, drawn: tuple[Floats, Floats]) -> dict[str, float | None]:
    """Hypervolume of points, (M,), with the basic bootstrap interval, `area`, `area_low`, `area_high`; `drawn`: the points of each resample.

    The area of noisy points is too large, and that of their resamples larger still; the basic interval, 2 · area - percentile, undoes this bias,
    where the percentile interval would double it.
    """
    area = float(hypervolume(x, y))
    return {"area": area, **intervals({"area": np.clip(2 * area - hypervolume(*drawn), 0.0, 1.0)})}


def cells(points: pl.DataFrame, roots: pl.DataFrame, models: Sequence[str]) -> Iterator[Cell]:
    """A cell for each task and pair, in order. `points`: POINTS; `roots`: task, data_id, and `root`, the cluster label; rows in any order."""
    subset = [pl.col(name).cast(pl.String) for name in ("task", "pair")]
    ranks = {"row": pl.struct(SAMPLE).rank("dense").over(subset), "cluster": pl.col("root").rank("dense").over(subset)}
    column = pl.col("model").replace_strict(list(models), range(len(models)), return_dtype=pl.Int64)
    rooted = points.filter(pl.col("model").is_in(list(models))).join(roots, on=["task", "data_id"], how="left", maintain_order="left")
    table = rooted.select(*subset, "x", "y", column=column, **{name: rank.cast(pl.Int64) for name, rank in ranks.items()}).sort(
        "task", "pair"
    )
    start = 0
    for task, pair, length in table.group_by("task", "pair", maintain_order=True).len().iter_rows():
        part, start = table[start : start + length], start + length
        row, root, place = (part[name].to_numpy() for name in ("row", "cluster", "column"))
        values = np.full((2, int(row.max()), len(models)), np.nan)
        values[:, row - 1, place] = part.select("x", "y").to_numpy().T
        values[:, np.isnan(values).any(axis=0)] = np.nan
        labels = np.empty(values.shape[1], dtype=np.int64)
        labels[row - 1] = root - 1
        yield Cell(task, pair, values[0], values[1], labels)


@lru_cache(maxsize=8)
def _weights(clusters: int) -> Floats:
    """How often each resample draws each cluster, (clusters, resamples); pairs with equally many clusters share them."""
    return resamples(np.arange(clusters), RESAMPLES, np.random.default_rng(clusters)).astype(np.float64)
