"""What a cloud of points in the unit square shows: the counts of the published rule and the relation they lead to.

Everything works on a stack of clouds, one a row, so that the observed cloud and its resamples take the same path.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trig.dimensions import Relation
from trig.params import Thresholds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ON_THE_LINE = 1e-9
"""A point this near the regression line lies on it; nearer than any two scores a judge can tell apart."""
RELATIONS: tuple[Relation, ...] = tuple(Relation)


class Regions(NamedTuple):
    """Which points lie where. Each point lies in exactly one region."""

    synergy: Bools  # (B, n): R_S, both dimensions high
    bottleneck: Bools  # (B, n): R_B, both low
    tradeoff: Bools  # (B, n): R_T, the rest


@dataclass(frozen=True, slots=True)
class Cloud:
    """The counts of each cloud of a stack. NaN where a number does not exist."""

    n: int
    rho: Floats  # (B,) Spearman, -1..1
    synergy: Ints  # (B,)
    bottleneck: Ints  # (B,)
    tradeoff: Ints  # (B,)
    above: Ints  # (B,) points of R_T strictly above the line
    below: Ints  # (B,) strictly below
    slope: Floats  # (B,)
    intercept: Floats  # (B,)


def regions(x: Floats, y: Floats, thresholds: Thresholds) -> Regions:
    """The region of each point. `paper` counts the limits in, `reference` leaves them out."""
    if thresholds.rule == "paper":
        high = (x >= thresholds.synergy) & (y >= thresholds.synergy)
        low = (x <= thresholds.bottleneck) & (y <= thresholds.bottleneck)
    else:
        high = (x > thresholds.synergy) & (y > thresholds.synergy)
        low = (x < thresholds.bottleneck) & (y < thresholds.bottleneck)
    return Regions(high, low, ~high & ~low)


def ranks(values: Floats) -> Floats:
    """The rank of each value in its row, from 1; equal values share their mean rank."""
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    place = np.arange(values.shape[1])
    starts = np.ones(values.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    ends = np.ones(values.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    last = np.minimum.accumulate(np.where(ends, place, values.shape[1])[:, ::-1], axis=1)[:, ::-1]
    shared = np.empty_like(values)
    np.put_along_axis(shared, order, (first + last) / 2 + 1, axis=1)
    return shared


def spearman(x: Floats, y: Floats) -> Floats:
    """Spearman's rho of each row, ties at their mean rank; NaN when either side is constant or has fewer than three points."""
    count, n = x.shape
    if n < 3:
        return np.full(count, np.nan)
    a, b = ranks(x) - (n + 1) / 2, ranks(y) - (n + 1) / 2
    spread = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    rho = _divide((a * b).sum(axis=1), spread)
    return np.clip(np.round(rho, 12), -1.0, 1.0)  # rounded, so that a rho of exactly 0.7 meets a limit of 0.7


def line(x: Floats, y: Floats, inside: Bools, at_least: int) -> tuple[Floats, Floats]:
    """Slope and intercept of least squares of y on x over the points inside; NaN with too few points or with one x only."""
    count = inside.sum(axis=1)
    middle_x = _divide((x * inside).sum(axis=1), count)
    middle_y = _divide((y * inside).sum(axis=1), count)
    from_x = np.where(inside, x - middle_x[:, None], 0.0)
    from_y = np.where(inside, y - middle_y[:, None], 0.0)
    spread = (from_x * from_x).sum(axis=1)
    fits = (count >= max(at_least, 2)) & (np.abs(from_x).max(axis=1, initial=0.0) > ON_THE_LINE)
    slope = _divide((from_x * from_y).sum(axis=1), np.where(fits, spread, 0.0))
    return slope, middle_y - slope * middle_x


def measure(x: Floats, y: Floats, thresholds: Thresholds) -> Cloud:
    """The counts of each cloud. `x` and `y` are (B, n), without missing values."""
    where = regions(x, y, thresholds)
    slope, intercept = line(x, y, where.tradeoff, thresholds.min_points)
    over = y - (slope[:, None] * x + intercept[:, None])
    return Cloud(
        n=x.shape[1],
        rho=spearman(x, y),
        synergy=where.synergy.sum(axis=1),
        bottleneck=where.bottleneck.sum(axis=1),
        tradeoff=where.tradeoff.sum(axis=1),
        above=(where.tradeoff & (over > ON_THE_LINE)).sum(axis=1),
        below=(where.tradeoff & (over < -ON_THE_LINE)).sum(axis=1),
        slope=slope,
        intercept=intercept,
    )


def verdicts(cloud: Cloud, thresholds: Thresholds) -> Ints:
    """The relation of each cloud as its place in `RELATIONS`: the first rule that holds, in the order of the paper."""
    paper = thresholds.rule == "paper"
    many, few = np.maximum(cloud.above, cloud.below), np.minimum(cloud.above, cloud.below)
    ratio = np.where(few > 0, many / np.maximum(few, 1), np.inf)
    tilted = (many > few) & ((ratio >= thresholds.tilt_ratio) if paper else (ratio > thresholds.tilt_ratio))
    apart = (cloud.rho <= thresholds.dispersion_corr) if paper else (cloud.rho < thresholds.dispersion_corr)
    rules = {
        Relation.TOO_FEW: np.full(cloud.rho.shape, cloud.n < thresholds.min_points),
        Relation.SYNERGY: _density(cloud.synergy, cloud.n) >= thresholds.synergy_density,
        Relation.BOTTLENECK: _density(cloud.bottleneck, cloud.n) >= thresholds.bottleneck_density,
        Relation.TILT: tilted,
        Relation.DISPERSION: apart,
    }
    places = [np.full(cloud.rho.shape, RELATIONS.index(relation)) for relation in rules]
    return np.select(list(rules.values()), places, RELATIONS.index(Relation.NONE))


def _density(count: Ints, n: int) -> Floats:
    return count / max(n, 1)


def _divide(a: NDArray[np.generic], b: NDArray[np.generic]) -> Floats:
    """a / b, NaN where b is zero."""
    out = np.full(np.shape(a), np.nan)
    np.divide(a, b, out=out, where=np.asarray(b) != 0)
    return out
