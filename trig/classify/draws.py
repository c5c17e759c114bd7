"""Cluster bootstrap resamples and permutations. Seeded by the cluster labels alone, so clouds with equal labels share them."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np

from trig.classify.arrays import Ints, Places, integers
from trig.classify.stack import CELLS


@dataclass(frozen=True, slots=True)
class Draws:
    """Bootstrap resamples and permutations of a cloud of n points."""

    resamples: tuple[Ints, ...]  # bootstrap weights, (n, block) each; blocks fit `CELLS`
    orders: Places  # (n, permutations): index of the y each point gets


def draws(groups: Places, bootstraps: int, permutations: int) -> Draws:
    """Draws for cluster labels (n,), numbered from 0. The labels are the seed; cached."""
    return _draws(groups.astype(np.int64).tobytes(), bootstraps, permutations)


@lru_cache(maxsize=8)
def _draws(packed: bytes, bootstraps: int, permutations: int) -> Draws:
    groups = np.frombuffer(packed, np.int64)
    draw = np.random.default_rng(int.from_bytes(blake2b(packed, digest_size=8).digest(), "big"))
    block = max(CELLS // groups.size, 1)
    counts = [min(block, bootstraps - start) for start in range(0, bootstraps, block)]
    return Draws(tuple(resamples(groups, count, draw) for count in counts), shuffles(groups, permutations, draw))


def resamples(groups: Places, count: int, draw: np.random.Generator) -> Ints:
    """Cluster bootstrap weights, (n, count): as many clusters as there are, drawn with replacement, each with all its points."""
    sizes = np.bincount(groups)
    drawn = draw.integers(0, sizes.size, size=(sizes.size, count))
    drawn *= count
    drawn += np.arange(count)
    times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)  # (groups, count)
    points = int(np.einsum("g,gc->c", sizes, times).max())
    found: Ints = times.astype(integers(points))[groups]
    return found


def shuffles(groups: Places, count: int, draw: np.random.Generator) -> Places:
    """Cluster permutations, (n, count): clusters are exchanged with clusters of equal size."""
    sizes = np.bincount(groups)
    found = np.empty((count, groups.size), dtype=np.intp)
    by_group = np.argsort(groups, kind="stable")
    for size in np.unique(sizes):
        members = by_group[np.repeat(sizes == size, sizes)].reshape(-1, size)  # (clusters of this size, size)
        orders = draw.permuted(np.tile(np.arange(len(members)), (count, 1)), axis=1)
        found[:, members.ravel()] = members[orders].reshape(count, -1)
    return found.T
