"""Ranks, medians and correlations of clouds whose points are drawn several times: counted, and never sorted again.

Shapes: G clouds side by side, n points in each (padded: a point that is not there is drawn by no one), B draws of each cloud. A weight says how
often a draw holds a point. Whatever is counted is an integer, so no sum depends on the order in which it is taken.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from trig.params.thresholds import Correlation

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger]  # see `integers`
Places = NDArray[np.intp]
Numbers = NDArray[np.number]
Bools = NDArray[np.bool_]

Reals = TypeVar("Reals", NDArray[np.float32], NDArray[np.float64])

ON_ONE_THREAD = 1 << 18
"""OpenBLAS computes matrix products of at most so many terms itself; for larger ones it wakes threads of its own, which wait busily."""
COLUMNS = 64
"""A product in pieces is fastest when they are about so wide."""
DIGITS = 12
"""Decimals of a correlation: one of exactly 0.7 must meet a limit of 0.7."""
STEP = 16
"""Every so many values the search for a median takes a first look."""


class Order(NamedTuple):
    """The points of each cloud from the lowest value to the highest, all (G, n)."""

    places: Places  # where each stands in the cloud
    values: Floats  # ascending
    first: Places  # for each point in its own order: how many points have a smaller value
    last: Places  # how many have a smaller value or the same


class Ordered(NamedTuple):
    """An order, and how many points of a draw lie among its lowest."""

    order: Order
    below: Ints  # (G, n + 1, B) points of the draw among the k lowest, k = 0 … n


def integers(total: int) -> type[np.signedinteger]:
    """The smallest type that holds the sums below for draws of so many points: they stay under total³."""
    return np.int32 if total**3 < 2**31 else np.int64


def order(values: Floats) -> Order:
    """The order of each cloud's points by their values, (G, n)."""
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
    """The order under the weights, (G, n, B)."""
    clouds, n, draws = weights.shape
    below = np.zeros((clouds, n + 1, draws), weights.dtype)
    np.cumsum(_rows(weights, by.places), axis=1, dtype=weights.dtype, out=below[:, 1:])
    return Ordered(by, below)


def centred_ranks(of: Ordered) -> Ints:
    """Twice the rank of each point in each draw, less twice the mean rank of the draw, (G, n, B). Equal values share their mean rank."""
    ranks = _rows(of.below, of.order.first)
    ranks += _rows(of.below, of.order.last)
    ranks -= of.below[:, -1:]
    return ranks


def medians(of: Ordered) -> Floats:
    """The median of each draw, (G, B); NaN for a draw without points."""
    total = of.below[:, -1]
    lower, upper = (_at_rank(of, rank) for rank in ((total - 1) // 2, total // 2))
    return np.where(total > 0, (lower + upper) / 2, np.nan)


def _at_rank(of: Ordered, rank: Ints) -> Floats:
    """The value that `rank` points of the draw precede."""
    inner, asked = of.below[:, 1:-1], rank[:, None]
    passed = inner[:, ::STEP] <= asked
    start = STEP * max(int(passed.all(axis=(0, 2)).sum()) - 1, 0)  # all before is passed in every draw
    end = STEP * int(passed.any(axis=(0, 2)).sum())  # nothing from here on is passed in any
    place = start + np.add.reduce(inner[:, start:end] <= asked, axis=1, dtype=rank.dtype)
    return np.take_along_axis(of.order.values, place, axis=1)


def correlation(kind: Correlation, x: Ordered, y: Ordered, points: tuple[Floats, Floats], weights: Ints) -> Floats:
    """The correlation of each draw, (G, B), in [-1, 1]; NaN with fewer than three points or when either side is constant in the draw.

    `spearman` is Pearson's correlation of mean ranks, `kendall` is tau-b, which corrects for ties, and `pearson` is that of the scores.
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
    """Pairs in the same order less pairs in opposite order, and the pairs that are no tie in x and in y; all of them twice."""
    agree = np.ones((), np.float32)
    for values in points:
        agree = agree * np.sign(values[:, :, None] - values[:, None, :]).astype(np.float32)
    kin = product(agree, weights.astype(np.float32)).astype(weights.dtype)  # whole numbers below 2²⁴ are exact in float32
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
    """The matrix products of each cloud, (G, k, m) times (G, m, B), in pieces that stay on this thread."""
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
    """The rows of each cloud, (G, m, B), at its own places, (G, k)."""
    clouds, m, draws = stacked.shape
    found: Ints = np.take(stacked.reshape(clouds * m, draws), places + np.arange(clouds)[:, None] * m, axis=0)
    return found
