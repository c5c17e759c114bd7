"""Paired changes: what two models made of the same samples."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trig.stats.clustered import Tested, clustered_mean


class Moved(NamedTuple):
    """Means before and after, and the mean paired difference with its cluster-robust interval and p."""

    before: float
    after: float
    change: Tested
    n: int


def both(frame: pl.DataFrame, base: str, other: str, on: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    """Samples, named by `on`, that both models have: `root` and columns of the base, and those of the other as `NAME_after`."""
    before, after = (frame.filter(pl.col("model") == model).select(*on, "root", *columns) for model in (base, other))
    return before.join(after.drop("root"), on=on, suffix="_after", maintain_order="left")


def once(samples: pl.DataFrame) -> pl.DataFrame:
    """Each picture once, the first of the samples of several pairs: equal `key` and `key_after`, and `number` where there is one."""
    numbered = ["number"] if "number" in samples.columns else []
    return samples.unique([*numbered, "key", "key_after"], keep="first", maintain_order=True)


def moved(samples: pl.DataFrame, name: str) -> Moved | None:
    """Change from column NAME to NAME_after, neither null, tested over the clusters in `root`; None without a sample."""
    if samples.is_empty():
        return None
    before, after, roots = (samples[column].to_numpy() for column in (name, f"{name}_after", "root"))
    return moved_by(before, after, roots)


def moved_by(before: NDArray[np.float64], after: NDArray[np.float64], roots: NDArray[Any]) -> Moved:
    """The same of arrays, (n,), n > 0; `roots` are numbers or names."""
    return Moved(float(before.mean()), float(after.mean()), clustered_mean(after - before, roots), before.size)
