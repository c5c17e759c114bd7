"""Means of samples of which some come from one root: copies, edits and seeds of one prompt are not independent."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

LEVEL = 0.975


class Tested(NamedTuple):
    """A mean or a change, null where it does not exist."""

    value: float | None
    low: float | None  # of the 95 % interval
    high: float | None
    p: float | None  # two-sided, of 0


def clustered_mean(values: NDArray[np.float64], roots: NDArray[Any]) -> Tested:
    """Mean of the values, (n,), tested against 0, with a cluster-robust interval; `roots`, (n,), names each value's cluster.

    The standard error sums over roots first (its square times G / (G - 1) for G roots); interval and p are Student's with G - 1 degrees of freedom.
    With a root for each value this is the t-test; of differences, the paired one. One root has no interval and no p.
    """
    _, groups = np.unique(roots, return_inverse=True)
    mean = float(values.mean())
    return around(mean, np.bincount(groups, weights=values - mean) / values.size)


def around(value: float, influence: NDArray[np.float64]) -> Tested:
    """A number with the interval and p of `clustered_mean`; `influence`, (G,), is how far each root moves it, to first order."""
    if influence.size < 2:
        return Tested(value, None, None, None)
    error = float(np.sqrt((influence * influence).sum() * influence.size / (influence.size - 1)))
    half = float(stdtrit(influence.size - 1, LEVEL)) * error
    p = float(2 * stdtr(influence.size - 1, -abs(value) / error)) if error > 0 else float(value == 0)
    return Tested(value, value - half, value + half, p)
