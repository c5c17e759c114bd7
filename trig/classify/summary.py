"""Threshold-independent summary of point clouds: correlation, means and medians. Shapes as in `trig.classify.arrays`."""

from typing import NamedTuple

import numpy as np

from trig.classify.arrays import Floats, Ints, divide, fixed_point, product
from trig.classify.ranks import Sorting, correlation, cumulate, medians, sort
from trig.params.thresholds import Correlation


class Sorted(NamedTuple):
    """Clouds sorted by each side: precomputed for `summarise`, does not depend on the draw."""

    x: Floats  # (G, n)
    y: Floats
    by_x: Sorting
    by_y: Sorting
    features: Floats  # (G, 2, n) x and y on the fixed-point grid


class Summary(NamedTuple):
    """Statistics of each draw, all (G, B); NaN where undefined."""

    rho: Floats  # -1..1, the coefficient `thresholds.correlation` names
    mean_x: Floats
    mean_y: Floats
    median_x: Floats
    median_y: Floats


def sort_sides(x: Floats, y: Floats) -> Sorted:
    """Precompute for `summarise`. `x` and `y` are (G, n), scores in [0, 1]; padding may have any larger value."""
    return Sorted(x, y, sort(x), sort(y), fixed_point(x, y))


def summarise(clouds: Sorted, weights: Ints, kind: Correlation) -> Summary:
    """Statistics of each draw. `weights` is (G, n, B), 0 where padded."""
    by_x, by_y = cumulate(clouds.by_x, weights), cumulate(clouds.by_y, weights)
    sums = product(clouds.features, weights.astype(np.float64))  # (G, 2, B)
    n = by_x.below[:, -1]
    rho = correlation(kind, by_x, by_y, (clouds.x, clouds.y), weights)
    return Summary(rho, divide(sums[:, 0], n), divide(sums[:, 1], n), medians(by_x), medians(by_y))
