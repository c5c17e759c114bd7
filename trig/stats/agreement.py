"""Krippendorff's alpha: agreement of raters, corrected for chance (Krippendorff, Content Analysis, 2nd edition, chapter 11)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def alpha(ratings: Floats, level: Literal["nominal", "ordinal"]) -> float | None:
    """1 − observed / expected disagreement of ratings, (raters, units), NaN where missing.

    1: perfect agreement; 0: as good as chance; below 0: worse than chance. Units with fewer than two ratings are left out. None where no unit has
    two, or where all ratings are the same value, so that there is nothing to agree on.
    """
    values = np.unique(ratings[np.isfinite(ratings)])
    counts = (ratings[None] == values[:, None, None]).sum(axis=1).astype(np.float64)  # (values, units)
    coincidences = _coincidences(counts)
    totals = coincidences.sum(axis=1)
    distance = 1 - np.eye(values.size) if level == "nominal" else _ordinal(totals)
    expected = float(totals @ distance @ totals)
    if expected == 0:
        return None
    return 1 - float((coincidences * distance).sum()) * (float(totals.sum()) - 1) / expected


def _coincidences(counts: Floats) -> Floats:
    """Coincidence matrix, (values, values): pairs of values within units, each unit's pairs weighted by 1 / (its ratings − 1)."""
    sizes = counts.sum(axis=0)
    paired = counts[:, sizes > 1]
    weighted = paired / (sizes[sizes > 1] - 1)
    return np.asarray(weighted @ paired.T - np.diag(weighted.sum(axis=1)))


def _ordinal(totals: Floats) -> Floats:
    """Squared ordinal distances: ratings between two values, half of those at either end."""
    middle = np.cumsum(totals) - totals / 2
    return np.asarray((middle[:, None] - middle[None]) ** 2)
