"""How far a relation can be trusted: a bootstrap over prompts, and the p-value of rho."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from scipy.special import stdtr

from trig.classify.cloud import Floats, measure, verdicts
from trig.params import Thresholds

INTERVAL = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What resampling the prompts of a subset does to its relation. None where there is nothing to resample."""

    rho_low: float | None
    rho_high: float | None
    stability: float | None  # share of resamples with the relation of the whole cloud, 0..1


def seed(*key: str) -> int:
    """A seed that depends on the row's own name only."""
    return int.from_bytes(blake2b("/".join(key).encode(), digest_size=8).digest(), "big")


def bootstrap(x: Floats, y: Floats, verdict: int, thresholds: Thresholds, start: int) -> Evidence:
    """The 95 % percentile interval of rho and the share of resamples with this verdict.

    Each prompt of a subset gives one point, so resampling points resamples prompts. Constant resamples have no rho and are left out of the
    interval. It lies low when prompts of a subset are copies of each other: then the points are fewer than they look.
    """
    n = x.size
    if n < thresholds.min_points or not thresholds.bootstraps:
        return Evidence(None, None, None)
    drawn = np.random.default_rng(start).integers(0, n, size=(thresholds.bootstraps, n))
    cloud = measure(x[drawn], y[drawn], thresholds)
    stability = float((verdicts(cloud, thresholds) == verdict).mean())
    rhos = cloud.rho[np.isfinite(cloud.rho)]
    if not rhos.size:
        return Evidence(None, None, stability)
    low, high = np.quantile(rhos, INTERVAL)
    return Evidence(float(low), float(high), stability)


def p_value(rho: float, n: int) -> float | None:
    """Two-sided p of rho under independence, by Student's t with n - 2 degrees of freedom; None where rho is missing.

    It is an approximation for small n, and too small where prompts repeat.
    """
    if not np.isfinite(rho):
        return None
    if abs(rho) == 1.0:
        return 0.0
    t = abs(rho) * np.sqrt((n - 2) / (1 - rho * rho))
    return float(2 * stdtr(n - 2, -t))
