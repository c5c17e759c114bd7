"""Weighted ranks, medians and correlations for bootstrap resamples; each cloud is sorted once. Shapes as in `trig.classify.arrays`."""

from typing import NamedTuple

import numpy as np

from trig.classify.arrays import Floats, Ints, Numbers, Places, product
from trig.params.thresholds import Correlation

DIGITS = 12
"""Decimals of a correlation, so that exactly 0.7 meets a threshold of 0.7."""
STEP = 16
"""Stride of the coarse step of the median search."""


class Sorting(NamedTuple):
    """Sort order of one side of each cloud, all (G, n)."""

    argsort: Places
    values: Floats  # sorted, ascending
    smaller: Places  # per point in its own order: number of smaller values
    not_larger: Places  # number of smaller or equal values


class Cumulative(NamedTuple):
    """Cumulative weights of each draw in sort order."""

    sorting: Sorting
    below: Ints  # (G, n + 1, B) total weight of the k lowest points, k = 0 … n


def sort(values: Floats) -> Sorting:
    """Sort order of each cloud, values (G, n)."""
    n = values.shape[1]
    argsort = np.argsort(values, axis=1, kind="stable")
    ascending = np.take_along_axis(values, argsort, axis=1)
    place = np.arange(n)
    starts = np.ones(values.shape, dtype=bool)
    starts[:, 1:] = ascending[:, 1:] != ascending[:, :-1]
    ends = np.ones(values.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    run_first = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    run_last = np.minimum.accumulate(np.where(ends, place + 1, n)[:, ::-1], axis=1)[:, ::-1]
    smaller, not_larger = np.empty_like(argsort), np.empty_like(argsort)
    np.put_along_axis(smaller, argsort, run_first, axis=1)
    np.put_along_axis(not_larger, argsort, run_last, axis=1)
    return Sorting(argsort, ascending, smaller, not_larger)


def cumulate(sorting: Sorting, weights: Ints) -> Cumulative:
    """Cumulative weights in sort order; weights (G, n, B)."""
    clouds, n, draws = weights.shape
    below = np.zeros((clouds, n + 1, draws), weights.dtype)
    np.cumsum(_rows(weights, sorting.argsort), axis=1, dtype=weights.dtype, out=below[:, 1:])
    return Cumulative(sorting, below)


def centred_ranks(of: Cumulative) -> Ints:
    """Twice the centred rank of each point in each draw, (G, n, B); ties share their mean rank."""
    ranks = _rows(of.below, of.sorting.smaller)
    ranks += _rows(of.below, of.sorting.not_larger)
    ranks -= of.below[:, -1:]
    return ranks


def medians(of: Cumulative) -> Floats:
    """Weighted median of each draw, (G, B); NaN for an empty draw."""
    total = of.below[:, -1]
    lower, upper = (_at_rank(of, rank) for rank in ((total - 1) // 2, total // 2))
    return np.where(total > 0, (lower + upper) / 2, np.nan)


def _at_rank(of: Cumulative, rank: Ints) -> Floats:
    """Weighted order statistic: the value that `rank` points of the draw precede."""
    inner, asked = of.below[:, 1:-1], rank[:, None]
    passed = inner[:, ::STEP] <= asked
    start = STEP * max(int(passed.all(axis=(0, 2)).sum()) - 1, 0)  # passed in every draw up to here
    end = STEP * int(passed.any(axis=(0, 2)).sum())  # passed in no draw from here on
    place = start + np.add.reduce(inner[:, start:end] <= asked, axis=1, dtype=rank.dtype)
    return np.take_along_axis(of.sorting.values, place, axis=1)


def correlation(kind: Correlation, x: Cumulative, y: Cumulative, points: tuple[Floats, Floats], weights: Ints) -> Floats:
    """Weighted correlation of each draw, (G, B), in [-1, 1]; NaN with fewer than three points or when either side is constant.

    `spearman` (mean ranks for ties), `kendall` (tau-b, corrected for ties) or `pearson`.
    """
    total = x.below[:, -1]
    parts = {"spearman": _spearman, "kendall": _kendall, "pearson": _pearson}[kind](x, y, points, weights)
    both, one, other = (part.astype(np.float64) for part in parts)
    defined = (total >= 3) & (one > 0) & (other > 0)
    rho = np.full(total.shape, np.nan)
    np.divide(both, np.sqrt(one) * np.sqrt(other), out=rho, where=defined)
    return np.clip(np.round(rho, DIGITS), -1.0, 1.0)


def _spearman(x: Cumulative, y: Cumulative, _: tuple[Floats, Floats], weights: Ints) -> tuple[Numbers, ...]:
    a, b = centred_ranks(x), centred_ranks(y)
    return _dot(weights, a, b), _dot(weights, a, a), _dot(weights, b, b)


def _kendall(x: Cumulative, y: Cumulative, points: tuple[Floats, Floats], weights: Ints) -> tuple[Numbers, ...]:
    """Concordant less discordant pairs, and the pairs not tied in x and in y; all doubled."""
    agree = np.ones((), np.float32)
    for values in points:
        agree = agree * np.sign(values[:, :, None] - values[:, None, :]).astype(np.float32)
    kin = product(agree, weights.astype(np.float32)).astype(weights.dtype)  # exact: integers below 2²⁴ in float32
    total = x.below[:, -1]
    ties = (
        np.einsum("gnb,gnb->gb", weights, _rows(of.below, of.sorting.not_larger) - _rows(of.below, of.sorting.smaller)) for of in (x, y)
    )
    one, other = (total * total - tied for tied in ties)
    return np.einsum("gnb,gnb->gb", weights, kin), one, other


def _pearson(x: Cumulative, y: Cumulative, points: tuple[Floats, Floats], weights: Ints) -> tuple[Numbers, ...]:
    total = np.maximum(x.below[:, -1], 1)[:, None]
    a, b = points[0][:, :, None], points[1][:, :, None]
    a = a - (np.einsum("gnb,gnb->gb", weights, np.broadcast_to(a, weights.shape))[:, None] / total)
    b = b - (np.einsum("gnb,gnb->gb", weights, np.broadcast_to(b, weights.shape))[:, None] / total)
    varies = [_at_rank(of, of.below[:, -1] - 1) > _at_rank(of, np.zeros_like(of.below[:, -1])) for of in (x, y)]
    return _dot(weights, a, b), _dot(weights, a, a) * varies[0], _dot(weights, b, b) * varies[1]


def _dot(weights: Ints, a: Numbers, b: Numbers) -> Numbers:
    """Σ w·a·b over the points of each draw, (G, B)."""
    found: Numbers = np.einsum("gnb,gnb,gnb->gb", weights, a, b)
    return found


def _rows(stacked: Ints, places: Places) -> Ints:
    """Row gather per cloud: rows of (G, m, B) at indices (G, k)."""
    clouds, m, draws = stacked.shape
    found: Ints = np.take(stacked.reshape(clouds * m, draws), places + np.arange(clouds)[:, None] * m, axis=0)
    return found
