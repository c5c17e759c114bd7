"""Diversity of a set of pictures, from their features; distances are of the cosine kernel."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def vendi(features: Floats) -> float:
    """Vendi score of features, (n, d): exp of the Shannon entropy of the eigenvalues of K / n, K being the cosine kernel.

    The effective number of different pictures: 1 where all are equal, n where all are orthogonal. Comparable between sets of equal size only.
    """
    spectrum = np.linalg.svd(_unit(features), compute_uv=False) ** 2 / len(features)
    shares = spectrum[spectrum > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def mean_distance(features: Floats) -> float:
    """Mean cosine distance 1 − cos over all pairs of n ≥ 2 features, (n, d): 0 where all are equal, 1 where all are orthogonal, at most 2."""
    n = len(features)
    together = _unit(features).sum(axis=0)
    return 1 - (float(together @ together) - n) / (n * (n - 1))


def _unit(features: Floats) -> Floats:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError("a feature of length 0 has no direction")
    return np.asarray(features / lengths)
