"""What a cloud of points in the unit square shows: the counts of the published rule and the relation they lead to.

Everything works on stacks: G clouds side by side, padded to n points, each drawn B times. A weight says how often a draw holds a point, so the
observed clouds (every point once) and their resamples take the same path.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trig.classify.order import Bools, Floats, Ints, Order, correlation, medians, order, ordered, product
from trig.params.thresholds import Correlation, Thresholds
from trig.vocabulary.relations import Relation

ON_THE_LINE = 1e-9
"""A point this near the regression line lies on it; nearer than any two scores a judge can tell apart."""
ONE_PLACE = 1e-11
"""A variance of x, where x reaches from -1 to 1, below which the points of a draw have one x."""
PADDING = 2.0
"""Beyond every limit: a padded point lies in R_S, whatever the thresholds."""
GRAIN = 2.0**40
"""Numbers in [-1, 1] are summed as multiples of 1 / GRAIN. Sums of 8,192 such numbers are exact, so they depend on no order and no thread."""
VERDICTS: tuple[Relation, ...] = tuple(Relation)
TILT = VERDICTS.index(Relation.TILT)


class Regions(NamedTuple):
    """Which points lie where. Each point lies in exactly one region."""

    synergy: Bools  # R_S, both dimensions high
    bottleneck: Bools  # R_B, both low
    tradeoff: Bools  # R_T, the rest


class Line(NamedTuple):
    """Least squares of y on x; NaN where there is no line."""

    slope: Floats
    intercept: Floats


class Scaled(NamedTuple):
    """Values that reach from -1 to 1 over the points inside a region, and the way back; all 0 where these points have one value."""

    values: Floats  # (G, n)
    middle: Floats  # (G, 1)
    half: Floats  # (G, 1) half the range


class Ranked(NamedTuple):
    """Clouds with what depends neither on a draw nor on a threshold."""

    x: Floats  # (G, n)
    y: Floats
    by_x: Order
    by_y: Order
    grains: Floats  # (G, 2, n) x and y as multiples of 1 / GRAIN


class Placed(NamedTuple):
    """Clouds with what does not depend on a draw."""

    tradeoff: Bools  # (G, n) points in R_T
    u: Scaled  # x in the range of these points
    v: Scaled  # y
    grains: Floats  # (G, 7, n) what is summed over a draw: R_S, R_B, and the moments of u and v, as multiples of 1 / GRAIN


class Central(NamedTuple):
    """Where each draw of each cloud lies, all (G, B), whatever the regions. NaN where a number does not exist."""

    rho: Floats  # the correlation that the thresholds name, -1..1
    mean_x: Floats
    mean_y: Floats
    median_x: Floats
    median_y: Floats


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of each draw of each cloud, all (G, B)."""

    n: Ints  # points of the draw
    synergy: Ints  # points in R_S
    bottleneck: Ints  # in R_B
    above: Ints  # points of R_T strictly above the line
    below: Ints  # strictly below
    line: Line

    @property
    def tradeoff(self) -> Ints:
        """Points in R_T."""
        return self.n - self.synergy - self.bottleneck

    @property
    def density_synergy(self) -> Floats:
        """D_s, the share of points in R_S; NaN for a draw without points."""
        return _divide(self.synergy, self.n)

    @property
    def density_bottleneck(self) -> Floats:
        """D_b, the share of points in R_B; NaN for a draw without points."""
        return _divide(self.bottleneck, self.n)


def levels(values: Floats, thresholds: Thresholds) -> NDArray[np.int8]:
    """1 for each score that is high, -1 for one that is low, 0 between. `paper` counts the limits in, `reference` leaves them out."""
    if thresholds.rule == "paper":
        return (values >= thresholds.synergy).view(np.int8) - (values <= thresholds.bottleneck).view(np.int8)
    return (values > thresholds.synergy).view(np.int8) - (values < thresholds.bottleneck).view(np.int8)


def regions(x: Floats, y: Floats, thresholds: Thresholds) -> Regions:
    """The region of each point."""
    level = levels(x, thresholds)
    both = np.where(level == levels(y, thresholds), level, 0)
    return Regions(both == 1, both == -1, both == 0)


def ranked(x: Floats, y: Floats) -> Ranked:
    """The clouds, ready for `central`. `x` and `y` are (G, n), scores without missing values, and `PADDING` where a cloud is padded."""
    return Ranked(x, y, order(x), order(y), _grains(x, y))


def central(clouds: Ranked, weights: Ints, kind: Correlation) -> Central:
    """Where the draws lie. `weights` is (G, n, B), 0 where a cloud is padded."""
    by_x, by_y = ordered(clouds.by_x, weights), ordered(clouds.by_y, weights)
    sums = product(clouds.grains, weights.astype(np.float64))  # (G, 2, B)
    n = by_x.below[:, -1]
    rho = correlation(kind, by_x, by_y, (clouds.x, clouds.y), weights)
    return Central(rho, _divide(sums[:, 0], n), _divide(sums[:, 1], n), medians(by_x), medians(by_y))


def placed(x: Floats, y: Floats, thresholds: Thresholds) -> Placed:
    """The clouds, as in `ranked`, ready to be counted."""
    where = regions(x, y, thresholds)
    u, v = scaled(x, where.tradeoff), scaled(y, where.tradeoff)
    return Placed(where.tradeoff, u, v, _grains(where.synergy, where.bottleneck, *moments(where.tradeoff, u.values, v.values)))


def count(clouds: Placed, weights: Ints, thresholds: Thresholds) -> Counts:
    """Count the points of each draw. `weights` is (G, n, B), 0 where a cloud is padded."""
    u, v = clouds.u, clouds.v
    sums = product(clouds.grains, weights.astype(np.float64))  # (G, 7, B)
    line = fit(sums[:, 2:], thresholds.min_points)
    over = _over(u.values, np.where(clouds.tradeoff, v.values, np.nan), line, v.half)  # NaN lies on neither side
    slope = line.slope * _divide(v.half, u.half)
    return Counts(
        n=weights.sum(axis=1, dtype=weights.dtype),
        synergy=sums[:, 0].astype(weights.dtype),
        bottleneck=sums[:, 1].astype(weights.dtype),
        above=np.einsum("gnb,gnb->gb", weights, over > ON_THE_LINE),
        below=np.einsum("gnb,gnb->gb", weights, over < -ON_THE_LINE),
        line=Line(slope, v.middle + v.half * line.intercept - slope * u.middle),
    )


def _grains(*features: NDArray[np.generic]) -> Floats:
    grains: Floats = np.rint(np.stack(features, axis=1) * GRAIN) / GRAIN
    return grains


def scaled(values: Floats, inside: Bools) -> Scaled:
    """The values, (G, n) in [0, 1], in the range of the points inside."""
    low = np.where(inside, values, 1.0).min(axis=1, initial=1.0, keepdims=True)
    high = np.where(inside, values, 0.0).max(axis=1, initial=0.0, keepdims=True)
    half = np.where(high - low > 2 * ON_THE_LINE, (high - low) / 2, 0.0)
    middle = (low + high) / 2
    spread = np.where(half > 0, half, 1.0)
    return Scaled(np.where(inside & (half > 0), (values - middle) / spread, 0.0), middle, half)


def moments(inside: Bools | Floats, u: Floats, v: Floats) -> list[NDArray[np.generic]]:
    """What `fit` needs of each point: count, u, v, u² and u·v, all 0 outside."""
    return [inside, inside * u, inside * v, inside * u * u, inside * u * v]


def fit(sums: Floats, at_least: int) -> Line:
    """Least squares of v on u from the sums of the five moments, (G, 5, B); NaN with too few points or with one u only."""
    count = sums[:, 0]
    u, v, uu, uv = (_divide(sums[:, place], count) for place in range(1, 5))
    variance = uu - u * u
    fits = (count >= max(at_least, 2)) & (variance > ONE_PLACE)
    slope = _divide(uv - u * v, np.where(fits, variance, 0.0))
    return Line(slope, v - slope * u)


def verdicts(of: Counts, rho: Floats, thresholds: Thresholds) -> Ints:
    """The relation of each draw, (G, B), as its place in `VERDICTS`: the first rule that holds, in the order of the paper."""
    paper = thresholds.rule == "paper"
    many, few = np.maximum(of.above, of.below), np.minimum(of.above, of.below)
    ratio = np.where(few > 0, many / np.maximum(few, 1), np.inf)
    tilted = (many > few) & ((ratio >= thresholds.tilt_ratio) if paper else (ratio > thresholds.tilt_ratio))
    apart = (rho <= thresholds.dispersion_corr) if paper else (rho < thresholds.dispersion_corr)
    rules = {
        Relation.TOO_FEW: of.n < thresholds.min_points,
        Relation.SYNERGY: of.density_synergy >= thresholds.synergy_density,
        Relation.BOTTLENECK: of.density_bottleneck >= thresholds.bottleneck_density,
        Relation.TILT: tilted,
        Relation.DISPERSION: apart,
    }
    places = [np.full(rho.shape, VERDICTS.index(relation)) for relation in rules]
    return np.select(list(rules.values()), places, VERDICTS.index(Relation.NONE))


def leaning(of: Counts, verdict: Ints) -> Ints:
    """Where tilts lean: 1 to y, since more points lie above the line, -1 to x, 0 for the other relations."""
    return np.where(verdict == TILT, np.sign(of.above - of.below), 0)


def _over(u: Floats, v: Floats, line: Line, scale: Floats) -> Floats:
    """How far each point, (G, n), lies above each line of v on u, (G, B), in units of `scale`, (G, 1): (G, n, B)."""
    points = np.stack([v, -u, -np.ones_like(u)], axis=2)
    lines = np.stack([np.ones_like(line.slope), line.slope, line.intercept], axis=1)
    return product(points, lines * scale[:, None])


def _divide(a: NDArray[np.generic], b: NDArray[np.generic]) -> Floats:
    """a / b, NaN where b is zero."""
    out = np.full(np.broadcast_shapes(a.shape, b.shape), np.nan)
    np.divide(a, b, out=out, where=b != 0)
    return out
