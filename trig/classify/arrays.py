"""Array types and arithmetic of the kernel, exact in any order of summation.

Shapes: G clouds, n points each (padding has weight 0), B draws of each cloud. A weight is the multiplicity of a point in a draw.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger]  # int32 or int64, see `integers`
Places = NDArray[np.intp]
Numbers = NDArray[np.number]
Bools = NDArray[np.bool_]

Reals = TypeVar("Reals", NDArray[np.float32], NDArray[np.float64])

GRAIN = 2.0**40
"""Fixed-point grid: numbers in [-1, 1] are rounded to multiples of 1 / GRAIN, so sums of up to 8,192 are exact in any order or thread."""
ON_ONE_THREAD = 1 << 18
"""Multiplications up to which OpenBLAS stays single-threaded; larger products wake its thread pool, which busy-waits."""
COLUMNS = 64
"""Fastest block width of a blocked product."""


def integers(total: int) -> type[np.signedinteger]:
    """Smallest integer type without overflow for draws of `total` points: sums stay below total³."""
    return np.int32 if total**3 < 2**31 else np.int64


def fixed_point(*features: NDArray[np.generic]) -> Floats:
    """Features (G, n) in [-1, 1] rounded to the fixed-point grid, (G, features, n)."""
    rounded: Floats = np.rint(np.stack(features, axis=1) * GRAIN) / GRAIN
    return rounded


def divide(a: NDArray[np.generic], b: NDArray[np.generic]) -> Floats:
    """a / b, NaN where b is zero."""
    out = np.full(np.broadcast(a, b).shape, np.nan)  # broadcast_shapes takes ten times as long
    np.divide(a, b, out=out, where=b != 0)
    return out


def product(a: Reals, b: Reals) -> Reals:
    """Batched matrix product, (G, k, m) times (G, m, B), in blocks small enough to stay single-threaded."""
    clouds, k, m = a.shape
    found = np.empty((clouds, k, b.shape[2]), a.dtype)
    high = min(k, max(ON_ONE_THREAD // (COLUMNS * m), 1))
    wide = max(ON_ONE_THREAD // (high * m), 1)
    for top in range(0, k, high):
        for left in range(0, b.shape[2], wide):
            rows, columns = slice(top, top + high), slice(left, left + wide)
            np.matmul(a[:, rows], b[:, :, columns], out=found[:, rows, columns])
    return found
