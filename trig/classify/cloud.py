"""What a cloud of points in the unit square shows: the counts of the published rule and the relation they lead to.

Everything works on stacks: G clouds side by side, padded to n points, each drawn B times. A weight says how often a draw holds a point, so the
observed clouds (every point once) and their resamples take the same path.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trig.classify.order import Bools, Floats, Ints, Order, correlation, medians, order, ordered, product
from trig.dimensions import Relation
from trig.params import Thresholds

ON_THE_LINE = 1e-9
"""A point this near the regression line lies on it; nearer than any two scores a judge can tell apart."""
ONE_PLACE = 1e-11
"""A variance of x, where x reaches from -1 to 1, below which the points of a draw have one x."""
PADDING = 2.0
"""Beyond every limit: a padded point lies in R_S, whatever the thresholds."""
GRAIN = 2.0**40
"""Numbers in [-1, 1] are summed as multiples of 1 / GRAIN. Sums of 8,192 such numbers are exact, so they depend on no order and no thread."""
RELATIONS: tuple[Relation, ...] = tuple(Relation)


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


class Placed(NamedTuple):
    """Clouds with what does not depend on a draw."""

    x: Floats  # (G, n)
    y: Floats
    by_x: Order
    by_y: Order
    tradeoff: Bools  # (G, n) points in R_T
    u: Scaled  # x in the range of these points
    v: Scaled  # y
    grains: Floats  # (G, 9, n) what is summed over a draw: R_S, R_B, x, y, and the moments of u and v, as multiples of 1 / GRAIN


@dataclass(frozen=True, slots=True)
class Measured:
    """The counts and sums of each draw of each cloud, all (G, B). NaN where a number does not exist."""

    n: Ints  # points of the draw
    rho: Floats  # the correlation that the thresholds name, -1..1
    synergy: Ints  # points in R_S
    bottleneck: Ints  # in R_B
    above: Ints  # points of R_T strictly above the line
    below: Ints  # strictly below
    line: Line
    mean_x: Floats
    mean_y: Floats
    median_x: Floats
    median_y: Floats

    @property
    def tradeoff(self) -> Ints:
        """Points in R_T."""
        return self.n - self.synergy - self.bottleneck

    @property
    def density_synergy(self) -> Floats:
        """D_s, the share of points in R_S."""
        return _divide(self.synergy, self.n)

    @property
    def density_bottleneck(self) -> Floats:
        """D_b, the share of points in R_B."""
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


def placed(x: Floats, y: Floats, thresholds: Thresholds) -> Placed:
    """The clouds, ready to be measured. `x` and `y` are (G, n), scores without missing values, and `PADDING` where a cloud is padded."""
    where = regions(x, y, thresholds)
    u, v = scaled(x, where.tradeoff), scaled(y, where.tradeoff)
    features = [where.synergy, where.bottleneck, x, y, *moments(where.tradeoff, u.values, v.values)]
    grains = np.rint(np.stack(features, axis=1) * GRAIN) / GRAIN
    return Placed(x, y, order(x), order(y), where.tradeoff, u, v, grains)


def measure(clouds: Placed, weights: Ints, thresholds: Thresholds) -> Measured:
    """Count. `weights` is (G, n, B), 0 where a cloud is padded."""
    x, y, u, v = clouds.x, clouds.y, clouds.u, clouds.v
    by_x, by_y = ordered(clouds.by_x, weights), ordered(clouds.by_y, weights)
    sums = product(clouds.grains, weights.astype(np.float64))  # (G, 9, B)
    line = fit(sums[:, 4:], thresholds.min_points)
    over = _over(u.values, np.where(clouds.tradeoff, v.values, np.nan), line, v.half)  # NaN lies on neither side
    slope = line.slope * _divide(v.half, u.half)
    n = by_x.below[:, -1]
    return Measured(
        n=n,
        rho=correlation(thresholds.correlation, by_x, by_y, (x, y), weights),
        synergy=sums[:, 0].astype(weights.dtype),
        bottleneck=sums[:, 1].astype(weights.dtype),
        above=np.einsum("gnb,gnb->gb", weights, over > ON_THE_LINE),
        below=np.einsum("gnb,gnb->gb", weights, over < -ON_THE_LINE),
        line=Line(slope, v.middle + v.half * line.intercept - slope * u.middle),
        mean_x=_divide(sums[:, 2], n),
        mean_y=_divide(sums[:, 3], n),
        median_x=medians(by_x),
        median_y=medians(by_y),
    )


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


def verdicts(of: Measured, thresholds: Thresholds) -> Ints:
    """The relation of each draw as its place in `RELATIONS`: the first rule that holds, in the order of the paper."""
    paper = thresholds.rule == "paper"
    many, few = np.maximum(of.above, of.below), np.minimum(of.above, of.below)
    ratio = np.where(few > 0, many / np.maximum(few, 1), np.inf)
    tilted = (many > few) & ((ratio >= thresholds.tilt_ratio) if paper else (ratio > thresholds.tilt_ratio))
    apart = (of.rho <= thresholds.dispersion_corr) if paper else (of.rho < thresholds.dispersion_corr)
    rules = {
        Relation.TOO_FEW: of.n < thresholds.min_points,
        Relation.SYNERGY: of.density_synergy >= thresholds.synergy_density,
        Relation.BOTTLENECK: of.density_bottleneck >= thresholds.bottleneck_density,
        Relation.TILT: tilted,
        Relation.DISPERSION: apart,
    }
    places = [np.full(of.rho.shape, RELATIONS.index(relation)) for relation in rules]
    return np.select(list(rules.values()), places, RELATIONS.index(Relation.NONE))


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
