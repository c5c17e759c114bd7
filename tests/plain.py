"""Reference implementation of the paper's rule, one point at a time, independent of the kernel."""

import math
from collections.abc import Sequence

import polars as pl
from scipy import stats

from trig.classify.samples import points as side_by_side
from trig.params.thresholds import Thresholds

PAIR = "IQ-R_TA-S"
Points = Sequence[tuple[float | None, float | None]]


def whole(points: Points) -> list[tuple[float, float]]:
    """Points with both scores."""
    return [(x, y) for x, y in points if x is not None and y is not None and not math.isnan(x) and not math.isnan(y)]


def region(x: float, y: float, t: Thresholds) -> str:
    """Region of a point: R_S, R_B or R_T."""
    strict = t.rule == "reference"
    if (min(x, y) > t.synergy) if strict else (min(x, y) >= t.synergy):
        return "R_S"
    return "R_B" if ((max(x, y) < t.bottleneck) if strict else (max(x, y) <= t.bottleneck)) else "R_T"


def located(scores: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    """Points of a scores table with their `region`; null where a score is missing."""
    found = side_by_side(scores, t.score)
    names = [None if x is None or y is None else region(x, y, t) for x, y in found.select("x", "y").iter_rows()]
    return found.with_columns(pl.Series("region", names, pl.String))


def counts_by_hand(points: Points, t: Thresholds) -> tuple[int, int, int, int]:
    """Points in R_S and in R_B, and points of R_T above and below the regression line."""
    placed = [(region(x, y, t), (x, y)) for x, y in points if x is not None and y is not None]
    high, low = (sum(name == where for name, _ in placed) for where in ("R_S", "R_B"))
    rest = [point for name, point in placed if name == "R_T"]
    if len(rest) < max(t.min_points, 2) or len({x for x, _ in rest}) == 1:
        return high, low, 0, 0
    slope, middle_x, middle_y = line_by_hand(rest)
    gaps = [y - middle_y - slope * (x - middle_x) for x, y in rest]
    return high, low, sum(gap > 1e-9 for gap in gaps), sum(gap < -1e-9 for gap in gaps)


def line_by_hand(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Least-squares slope, and the centroid."""
    middle_x, middle_y = (math.fsum(point[side] for point in points) / len(points) for side in (0, 1))
    together = math.fsum((x - middle_x) * (y - middle_y) for x, y in points)
    return together / math.fsum((x - middle_x) ** 2 for x, _ in points), middle_x, middle_y


def ranks_by_hand(values: Sequence[float]) -> list[float]:
    """Ranks; ties share their mean rank."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, start = [0.0] * len(values), 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        start = end
    return ranks


def rho_by_hand(xs: Sequence[float], ys: Sequence[float], kind: str) -> float | None:
    """Correlation of a kind; None with fewer than three points or a constant side."""
    if len(xs) < 3 or len(set(xs)) == 1 or len(set(ys)) == 1:
        return None
    if kind == "kendall":
        return round(float(stats.kendalltau(xs, ys).statistic), 12)
    one, other = (ranks_by_hand(side) if kind == "spearman" else list(side) for side in (xs, ys))
    slope, _, _ = line_by_hand(list(zip(one, other, strict=True)))
    back, _, _ = line_by_hand(list(zip(other, one, strict=True)))
    return round(math.copysign(math.sqrt(abs(slope * back)), slope), 12)


def tilts(above: int, below: int, t: Thresholds) -> bool:
    more, fewer = max(above, below), min(above, below)
    return more > fewer and ((more > t.tilt_ratio * fewer) if t.rule == "reference" else (more >= t.tilt_ratio * fewer))


def disperses(points: Points, t: Thresholds) -> bool:
    xs, ys = zip(*whole(points), strict=True)
    rho = rho_by_hand(xs, ys, t.correlation)
    return rho is not None and (rho < t.dispersion_corr if t.rule == "reference" else rho <= t.dispersion_corr)


def by_hand(points: Points, t: Thresholds) -> tuple[str, str | None, int, int, int, int]:
    """Relation, leaning and counts, by the paper's rule."""
    shown = whole(points)
    n, (high, low, above, below) = len(shown), counts_by_hand(shown, t)
    name, leaning = "none", None
    if n < t.min_points:
        name = "too few"
    elif high / n >= t.synergy_density:
        name = "synergy"
    elif low / n >= t.bottleneck_density:
        name = "bottleneck"
    elif tilts(above, below, t):
        name, leaning = "tilt", PAIR.split("_")[int(above > below)]
    elif disperses(points, t):
        name = "dispersion"
    return name, leaning, high, low, above, below
