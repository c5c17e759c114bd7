"""Plane of two dimensions, both maximised: Pareto fronts, and the area that they dominate."""

import numpy as np

from trig.classify.arrays import Bools, Floats


def pareto(x: Floats, y: Floats) -> Bools:
    """Which of the points, (M,), no other one dominates: none is at least as high on both, and higher on one. NaN is on no front."""
    known = np.isfinite(x) & np.isfinite(y)
    no_lower = (x[:, None] >= x) & (y[:, None] >= y)
    higher = (x[:, None] > x) | (y[:, None] > y)
    return known & ~(no_lower & higher).any(axis=0)


def hypervolume(x: Floats, y: Floats) -> Floats:
    """Area between the points, (…, M), and the reference point (0, 0): the share of the unit square that some point dominates. NaN adds nothing."""
    known = np.isfinite(x) & np.isfinite(y)
    across, up = (np.where(known, np.maximum(side, 0.0), 0.0) for side in (x, y))
    order = np.argsort(-across, axis=-1, kind="stable")
    across, up = (np.take_along_axis(side, order, axis=-1) for side in (across, up))
    width = -np.diff(across, axis=-1, append=0.0)
    return np.asarray((width * np.maximum.accumulate(up, axis=-1)).sum(axis=-1))
