"""Trade-off rule on point clouds: densities of R_S and R_B, regression line over R_T, verdict (paper, section 3.3).

Everything here depends on the thresholds. Shapes as in `trig.classify.arrays`; the observed cloud is one draw, with weights 1.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trig.classify.arrays import Bools, Floats, Ints, divide, fixed_point, product
from trig.params.thresholds import Thresholds
from trig.vocabulary.relations import Relation

ON_THE_LINE = 1e-9
"""Tolerance within which a point lies on the regression line; far below the resolution of scores."""
CONSTANT = 1e-11
"""Variance of x, rescaled to [-1, 1], below which x counts as constant."""
VERDICTS: tuple[Relation, ...] = tuple(Relation)
TILT = VERDICTS.index(Relation.TILT)


class Regions(NamedTuple):
    """Boolean region masks; each point lies in exactly one region."""

    synergy: Bools  # R_S: both scores high
    bottleneck: Bools  # R_B: both low
    tradeoff: Bools  # R_T: the rest


class Line(NamedTuple):
    """Ordinary least squares of y on x; NaN where undefined."""

    slope: Floats
    intercept: Floats


class Scaled(NamedTuple):
    """Values min-max scaled to [-1, 1] over the points inside a region, with the inverse; all 0 where these are constant."""

    values: Floats  # (G, n)
    middle: Floats  # (G, 1) midrange
    half: Floats  # (G, 1) half the range


class Partition(NamedTuple):
    """Clouds divided into regions: precomputed for `count`, does not depend on the draw."""

    tradeoff: Bools  # (G, n) points in R_T
    u: Scaled  # x, scaled over R_T
    v: Scaled  # y, scaled over R_T
    features: Floats  # (G, 7, n) summands on the fixed-point grid: R_S, R_B, and the moments of u and v
    min_points: int  # fewest points of a line


@dataclass(frozen=True, slots=True)
class Counts:
    """Region and side counts of each draw, all (G, B)."""

    n: Ints  # points in the draw
    synergy: Ints  # points in R_S
    bottleneck: Ints  # points in R_B
    above: Ints  # N_a: points of R_T strictly above the line
    below: Ints  # N_b: strictly below
    line: Line

    @property
    def tradeoff(self) -> Ints:
        """Points in R_T."""
        return self.n - self.synergy - self.bottleneck

    @property
    def density_synergy(self) -> Floats:
        """D_s, the share of points in R_S; NaN for an empty draw."""
        return divide(self.synergy, self.n)

    @property
    def density_bottleneck(self) -> Floats:
        """D_b, the share of points in R_B; NaN for an empty draw."""
        return divide(self.bottleneck, self.n)


def levels(values: Floats, thresholds: Thresholds) -> NDArray[np.int8]:
    """1 for high scores, -1 for low, 0 between. Thresholds are inclusive under rule `paper`, exclusive under `reference`."""
    if thresholds.rule == "paper":
        return (values >= thresholds.synergy).view(np.int8) - (values <= thresholds.bottleneck).view(np.int8)
    return (values > thresholds.synergy).view(np.int8) - (values < thresholds.bottleneck).view(np.int8)


def regions(x: Floats, y: Floats, thresholds: Thresholds) -> Regions:
    """Region masks of each point."""
    level = levels(x, thresholds)
    both = np.where(level == levels(y, thresholds), level, 0)
    return Regions(both == 1, both == -1, both == 0)


def partition(x: Floats, y: Floats, thresholds: Thresholds) -> Partition:
    """Precompute for `count`. `x` and `y` are (G, n), scores in [0, 1]; padding may have any larger value."""
    where = regions(x, y, thresholds)
    u, v = scaled(x, where.tradeoff), scaled(y, where.tradeoff)
    features = fixed_point(where.synergy, where.bottleneck, *moments(where.tradeoff, u.values, v.values))
    return Partition(where.tradeoff, u, v, features, thresholds.min_points)


def count(clouds: Partition, weights: Ints) -> Counts:
    """Region counts and regression line of each draw. `weights` is (G, n, B), 0 where padded."""
    u, v = clouds.u, clouds.v
    sums = product(clouds.features, weights.astype(np.float64))  # (G, 7, B)
    line = fit(sums[:, 2:], clouds.min_points)
    over = _residuals(u.values, np.where(clouds.tradeoff, v.values, np.nan), line, v.half)  # NaN: on neither side
    slope = line.slope * divide(v.half, u.half)
    return Counts(
        n=weights.sum(axis=1, dtype=weights.dtype),
        synergy=sums[:, 0].astype(weights.dtype),
        bottleneck=sums[:, 1].astype(weights.dtype),
        above=np.einsum("gnb,gnb->gb", weights, over > ON_THE_LINE),
        below=np.einsum("gnb,gnb->gb", weights, over < -ON_THE_LINE),
        line=Line(slope, v.middle + v.half * line.intercept - slope * u.middle),
    )


def scaled(values: Floats, inside: Bools) -> Scaled:
    """Min-max scaling of (G, n) values in [0, 1] over the points inside."""
    low = np.where(inside, values, 1.0).min(axis=1, initial=1.0, keepdims=True)
    high = np.where(inside, values, 0.0).max(axis=1, initial=0.0, keepdims=True)
    half = np.where(high - low > 2 * ON_THE_LINE, (high - low) / 2, 0.0)
    middle = (low + high) / 2
    spread = np.where(half > 0, half, 1.0)
    return Scaled(np.where(inside & (half > 0), (values - middle) / spread, 0.0), middle, half)


def moments(inside: Bools | Floats, u: Floats, v: Floats) -> list[NDArray[np.generic]]:
    """Summands of the least-squares moments: 1, u, v, u² and u·v, all 0 outside."""
    return [inside, inside * u, inside * v, inside * u * u, inside * u * v]


def fit(sums: Floats, at_least: int) -> Line:
    """Ordinary least squares of v on u from the five summed moments, (G, 5, B); NaN with too few points or constant u."""
    count = sums[:, 0]
    u, v, uu, uv = (divide(sums[:, index], count) for index in range(1, 5))
    variance = uu - u * u
    fits = (count >= max(at_least, 2)) & (variance > CONSTANT)
    slope = divide(uv - u * v, np.where(fits, variance, 0.0))
    return Line(slope, v - slope * u)


def verdicts(of: Counts, rho: Floats, thresholds: Thresholds) -> Ints:
    """Verdict of each draw, (G, B), as an index into `VERDICTS`: the first rule that holds, in the paper's order."""
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
    places = [np.int64(VERDICTS.index(relation)) for relation in rules]
    return np.select(list(rules.values()), places, np.int64(VERDICTS.index(Relation.NONE)))


def leaning(of: Counts, verdict: Ints) -> Ints:
    """Leaning of tilts, (G, B): 1 towards y (N_a > N_b), -1 towards x, 0 for other relations."""
    return np.where(verdict == TILT, np.sign(of.above - of.below), 0)


def _residuals(u: Floats, v: Floats, line: Line, scale: Floats) -> Floats:
    """Residuals (G, n, B) of points (G, n) from lines of v on u (G, B), times `scale` (G, 1)."""
    points = np.stack([v, -u, -np.ones_like(u)], axis=2)
    lines = np.stack([np.ones_like(line.slope), line.slope, line.intercept], axis=1)
    return product(points, lines * scale[:, None])
