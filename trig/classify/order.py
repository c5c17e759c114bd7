"""Weighted ranks, medians and correlations for bootstrap resamples; each cloud is sorted once.

Shapes: G clouds, n points each (padding has weight 0), B draws of each cloud. A weight is the multiplicity of a point in a draw. Counts are
integers, so sums do not depend on the order of summation.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from trig.params.thresholds import Correlation

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger]  # int32 or int64, see `integers`
Places = NDArray[np.intp]
Numbers = NDArray[np.number]
Bools = NDArray[np.bool_]

Reals = TypeVar("Reals", NDArray[np.float32], NDArray[np.float64])

ON_ONE_THREAD = 1 << 18
"""Multiplications up to which OpenBLAS stays single-threaded; larger products wake its thread pool, which busy-waits."""
COLUMNS = 64
"""Fastest block width of a blocked product."""
DIGITS = 12
"""Decimals of a correlation, so that exactly 0.7 meets a threshold of 0.7."""
STEP = 16
"""Stride of the coarse step of the median search."""


class Order(NamedTuple):
    """Sort order (argsort) of each cloud, all (G, n)."""

    places: Places  # argsort
    values: Floats  # sorted, ascending
    first: Places  # per point in its own order: number of smaller values
    last: Places  # number of smaller or equal values


class Ordered(NamedTuple):
    """Sort order with cumulative weights."""

    order: Order
    below: Ints  # (G, n + 1, B) total weight of the k lowest points, k = 0 … n


def integers(total: int) -> type[np.signedinteger]:
    """Smallest integer type without overflow for draws of `total` points: sums stay below total³."""
    return np.int32 if total**3 < 2**31 else np.int64


def order(values: Floats) -> Order:
    """Sort order of each cloud, values (G, n)."""
    n = values.shape[1]
    places = np.argsort(values, axis=1, kind="stable")
    ascending = np.take_along_axis(values, places, axis=1)
    place = np.arange(n)
    starts = np.ones(values.shape, dtype=bool)
    starts[:, 1:] = ascending[:, 1:] != ascending[:, :-1]
    ends = np.ones(values.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    run_first = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    run_last = np.minimum.accumulate(np.where(ends, place + 1, n)[:, ::-1], axis=1)[:, ::-1]
    first, last = np.empty_like(places), np.empty_like(places)
    np.put_along_axis(first, places, run_first, axis=1)
    np.put_along_axis(last, places, run_last, axis=1)
    return Order(places, ascending, first, last)


def ordered(by: Order, weights: Ints) -> Ordered:
    """Cumulative weights in sort order; weights (G, n, B)."""
    clouds, n, draws = weights.shape
    below = np.zeros((clouds, n + 1, draws), weights.dtype)
    np.cumsum(_rows(weights, by.places), axis=1, dtype=weights.dtype, out=below[:, 1:])
    return Ordered(by, below)


def centred_ranks(of: Ordered) -> Ints:
    """Twice the centred rank of each point in each draw, (G, n, B); ties share their mean rank."""
    ranks = _rows(of.below, of.order.first)
    ranks += _rows(of.below, of.order.last)
    ranks -= of.below[:, -1:]
    return ranks


def medians(of: Ordered) -> Floats:
    """Weighted median of each draw, (G, B); NaN for an empty draw."""
    total = of.below[:, -1]
    lower, upper = (_at_rank(of, rank) for rank in ((total - 1) // 2, total // 2))
    return np.where(total > 0, (lower + upper) / 2, np.nan)


def _at_rank(of: Ordered, rank: Ints) -> Floats:
    """Weighted order statistic: the value that `rank` points of the draw precede."""
    inner, asked = of.below[:, 1:-1], rank[:, None]
    passed = inner[:, ::STEP] <= asked
    start = STEP * max(int(passed.all(axis=(0, 2)).sum()) - 1, 0)  # passed in every draw up to here
    end = STEP * int(passed.any(axis=(0, 2)).sum())  # passed in no draw from here on
    place = start + np.add.reduce(inner[:, start:end] <= asked, axis=1, dtype=rank.dtype)
    return np.take_along_axis(of.order.values, place, axis=1)


def correlation(kind: Correlation, x: Ordered, y: Ordered, points: tuple[Floats, Floats], weights: Ints) -> Floats:
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


def _spearman(x: Ordered, y: Ordered, _: tuple[Floats, Floats], weights: Ints) -> tuple[Numbers, ...]:
    a, b = centred_ranks(x), centred_ranks(y)
    return _dot(weights, a, b), _dot(weights, a, a), _dot(weights, b, b)


def _kendall(x: Ordered, y: Ordered, points: tuple[Floats, Floats], weights: Ints) -> tuple[Numbers, ...]:
    """Concordant less discordant pairs, and the pairs not tied in x and in y; all doubled."""
    agree = np.ones((), np.float32)
    for values in points:
        agree = agree * np.sign(values[:, :, None] - values[:, None, :]).astype(np.float32)
    kin = product(agree, weights.astype(np.float32)).astype(weights.dtype)  # exact: integers below 2²⁴ in float32
    total = x.below[:, -1]
    ties = (np.einsum("gnb,gnb->gb", weights, _rows(of.below, of.order.last) - _rows(of.below, of.order.first)) for of in (x, y))
    one, other = (total * total - tied for tied in ties)
    return np.einsum("gnb,gnb->gb", weights, kin), one, other


def _pearson(x: Ordered, y: Ordered, points: tuple[Floats, Floats], weights: Ints) -> tuple[Numbers, ...]:
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


def product(a: Reals, b: Reals) -> Reals:
    """Batched matrix product, (G, k, m) times (G, m, B), in blocks small enough to stay single-threaded."""
    clouds, k, m = a.shape
    found = np.empty((clouds, k, b.shape[2]), a.dtype)
    high = min(k, max(ON_ONE_THREAD // (COLUMNS * m), 1))
    wide = max(ON_ONE_THREAD // (high * m), 1)
    for top in range(0, k, high):
        for left in range(0, b.shape[2], wide):
            rows, columns = slice(top, top + high), slice(left, left + wide)
            np.matmul(a[:, rows], b[:, :, columns], out=found[:, rows, columns])
    return found


def _rows(stacked: Ints, places: Places) -> Ints:
    """Row gather per cloud: rows of (G, m, B) at indices (G, k)."""
    clouds, m, draws = stacked.shape
    found: Ints = np.take(stacked.reshape(clouds * m, draws), places + np.arange(clouds)[:, None] * m, axis=0)
    return found
