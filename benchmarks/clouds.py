"""Scores of synthetic point clouds with a known relation, or none."""

from collections.abc import Callable, Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trig.testing import factories

Floats = NDArray[np.float64]
Make = Callable[[np.random.Generator, int], tuple[Floats, Floats]]


def scores(clouds: Iterable[tuple[Floats, Floats]], pair: str = "IQ-R_TA-S") -> pl.DataFrame:
    """Scores of clouds, one model each, named by its number."""
    return pl.concat(factories.cloud(np.stack(cloud, axis=1).tolist(), pair, f"{number:05}") for number, cloud in enumerate(clouds))


def many(make: Make, count: int, n: int, seed: int) -> pl.DataFrame:
    """Scores of `count` clouds of n points."""
    draw = np.random.default_rng(seed)
    return scores(make(draw, n) for _ in range(count))


def uniform(draw: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Independent scores."""
    return draw.random(n), draw.random(n)


def skewed(draw: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Independent scores, one so skewed that the paper's rule gives a tilt."""
    return draw.uniform(0.6, 0.8, n), np.clip(0.75 - draw.exponential(0.1, n), 0, 1)


def conflict(draw: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Normal scores with Spearman's rho of -0.4."""
    r = 2 * np.sin(-0.4 * np.pi / 6)
    z = draw.multivariate_normal([0, 0], [[1, r], [r, 1]], n)
    return np.clip(0.55 + 0.12 * z[:, 0], 0, 1), np.clip(0.6 + 0.12 * z[:, 1], 0, 1)


def tilt(draw: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """y follows x; 70 % of the points lie slightly above the line, the others further below."""
    x = draw.uniform(0.52, 0.78, n)
    off = np.where(draw.random(n) < 0.7, 0.03, -0.07) + draw.normal(0, 0.005, n)
    return x, np.clip(0.65 + 0.8 * (x - 0.65) + off, 0, 1)


def synergy(draw: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Half of the points in R_S."""
    high = draw.random(n) < 0.5
    x, y = (np.where(high, draw.uniform(0.82, 1, n), draw.uniform(0.4, 0.79, n)) for _ in range(2))
    return x, y


def bottleneck(draw: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Half of the points in R_B."""
    low = draw.random(n) < 0.5
    x, y = (np.where(low, draw.uniform(0, 0.48, n), draw.uniform(0.51, 0.79, n)) for _ in range(2))
    return x, y
