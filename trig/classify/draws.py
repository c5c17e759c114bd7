"""Resamples and shuffles of a cloud's points. They depend on nothing but which points have one root, so clouds that are alike in this share them."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np

from trig.classify.order import Ints, Places, integers
from trig.classify.stack import CELLS


@dataclass(frozen=True, slots=True)
class Draws:
    """The draws of a cloud of n points."""

    resamples: tuple[Ints, ...]  # each (n, some): how often each resample holds each point; in blocks that fit `CELLS`
    orders: Places  # (n, permutations): the point whose y each point gets


def draws(groups: Places, bootstraps: int, permutations: int) -> Draws:
    """The draws of a cloud whose points belong to these groups, (n,), numbered from 0. The groups are the seed."""
    return _draws(groups.astype(np.int64).tobytes(), bootstraps, permutations)


@lru_cache(maxsize=8)
def _draws(packed: bytes, bootstraps: int, permutations: int) -> Draws:
    groups = np.frombuffer(packed, np.int64)
    draw = np.random.default_rng(int.from_bytes(blake2b(packed, digest_size=8).digest(), "big"))
    block = max(CELLS // groups.size, 1)
    counts = [min(block, bootstraps - start) for start in range(0, bootstraps, block)]
    return Draws(tuple(resamples(groups, count, draw) for count in counts), shuffles(groups, permutations, draw))


def resamples(groups: Places, count: int, draw: np.random.Generator) -> Ints:
    """How often each resample holds each point, (n, count): as many groups are drawn as there are, each with all its points."""
    sizes = np.bincount(groups)
    drawn = draw.integers(0, sizes.size, size=(sizes.size, count))
    drawn *= count
    drawn += np.arange(count)
    times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)  # (groups, count)
    points = int(np.einsum("g,gc->c", sizes, times).max())
    found: Ints = times.astype(integers(points))[groups]
    return found


def shuffles(groups: Places, count: int, draw: np.random.Generator) -> Places:
    """Orders of the points, (n, count), in which groups have changed places with groups of their size."""
    sizes = np.bincount(groups)
    found = np.empty((count, groups.size), dtype=np.intp)
    by_group = np.argsort(groups, kind="stable")
    for size in np.unique(sizes):
        members = by_group[np.repeat(sizes == size, sizes)].reshape(-1, size)  # (groups of this size, size)
        orders = draw.permuted(np.tile(np.arange(len(members)), (count, 1)), axis=1)
        found[:, members.ravel()] = members[orders].reshape(count, -1)
    return found.T
