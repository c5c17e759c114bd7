"""How far the mean of a figure has moved, in units of its spread."""

import numpy as np
from numpy.typing import NDArray


def drift(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Change of the mean over the standard deviation before, of paired values (n,), n ≥ 2. Where all were equal before: 0, or infinite."""
    change, spread = float((after - before).mean()), float(before.std(ddof=1))
    if spread > 0:
        return change / spread
    return float(np.copysign(np.inf, change)) if change else 0.0
