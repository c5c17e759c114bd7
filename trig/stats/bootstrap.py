"""Percentile intervals of bootstrap resamples."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEVELS = {"low": 0.025, "high": 0.975}


def intervals(drawn: Mapping[str, Floats]) -> dict[str, float | None]:
    """95 % percentile intervals, `<name>_low` and `<name>_high`, linearly interpolated; NaN is ignored, None where all are NaN."""
    ordered = np.sort(np.stack(list(drawn.values())), axis=1)  # NaN sorts last
    last = np.isfinite(ordered).sum(axis=1) - 1
    found: dict[str, float | None] = {}
    for end, level in LEVELS.items():
        place = np.maximum(last, 0) * level
        under = place.astype(np.int64)
        low, high = (np.take_along_axis(ordered, at[:, None], axis=1)[:, 0] for at in (under, np.minimum(under + 1, np.maximum(last, 0))))
        values = low + (high - low) * (place - under)
        found |= {f"{name}_{end}": float(value) if known >= 0 else None for name, value, known in zip(drawn, values, last, strict=True)}
    return found
