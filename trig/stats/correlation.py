"""Correlation of a score with a figure: within a model over its pictures, and along the settings of a sweep."""

import numpy as np
from numpy.typing import NDArray

from trig.stats.clustered import Tested, around

Floats = NDArray[np.float64]
PERFECT = 1e-12
"""1 − r² below which an interval of r has no width to speak of."""
FEWEST = 3
"""Fewest settings of a sweep that have a correlation: two always lie on a line."""


def correlation(x: Floats, y: Floats, roots: NDArray[np.signedinteger]) -> Tested:
    """Pearson's r of samples, (n,), with a cluster-robust interval; `roots`, (n,), names each sample's cluster. Null where a side is constant.

    The interval is that of Fisher's z = artanh r, from each root's influence on r to first order; p is of r = 0.
    """
    r = pearson(x, y)
    if r is None:
        return Tested(None, None, None, None)
    if 1 - r * r < PERFECT:
        return Tested(r, None, None, None)
    u, v = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    _, groups = np.unique(roots, return_inverse=True)
    influence = np.bincount(groups, weights=u * v - r * (u * u + v * v) / 2) / x.size
    z = around(float(np.arctanh(r)), influence / (1 - r * r))
    low, high = (None if end is None else float(np.tanh(end)) for end in (z.low, z.high))
    return Tested(r, low, high, z.p)


def along(scores: Floats, figures: Floats) -> Tested:
    """Pearson's r of a score's and a figure's means over the settings of a sweep; both (settings, roots), in the same order of settings.

    A column holds a root prompt's means, NaN where it has none; with one column the means of the settings are given, and there is no interval. Near 1 or −1:
    score and picture change together, and the sweep alone cannot tell which of them moved the other. The interval is a jackknife over roots. Null
    for fewer than FEWEST settings, or where either stays the same.
    """
    r = _of_means(scores, figures)
    if r is None:
        return Tested(None, None, None, None)
    roots = scores.shape[1]
    without = [_of_means(np.delete(scores, root, axis=1), np.delete(figures, root, axis=1)) for root in range(roots)] if roots > 1 else []
    known = np.array([one for one in without if one is not None], dtype=np.float64)
    if known.size < roots or roots < 2:
        return Tested(r, None, None, None)
    found = around(r, (known.mean() - known) * (roots - 1) / roots)
    return found._replace(low=max(-1.0, found.low or 0.0), high=min(1.0, found.high or 0.0))


def pearson(x: Floats, y: Floats) -> float | None:
    """Pearson's r; None where a side is constant."""
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))


def _of_means(scores: Floats, figures: Floats) -> float | None:
    if len(scores) < FEWEST or any(np.isnan(side).all(axis=1).any() for side in (scores, figures)):
        return None
    return pearson(np.nanmean(scores, axis=1), np.nanmean(figures, axis=1))
