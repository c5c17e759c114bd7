"""Rendezvous hashing: choices that depend on the ids of the options, and change only where an option comes or goes."""

from collections.abc import Collection, Iterable
from functools import cache
from hashlib import blake2b

_MASK = 2**64 - 1
TRAIN_EVERY = 4
"""About one in so many entries is held for the train split, so the splits share none."""


@cache
def number(name: str) -> int:
    """64-bit hash of a name."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def weight(salt: int, name: str) -> int:
    """Pseudo-random 64-bit weight of an option under a salt (splitmix64)."""
    z = (number(name) ^ salt) + 0x9E3779B97F4A7C15 & _MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
    return z ^ z >> 31


def ordered(salt: int, names: Iterable[str]) -> list[str]:
    """The options by weight: a new option enters at one place and leaves the order of the others alone."""
    return sorted(names, key=lambda name: (weight(salt, name), name))


def first(salt: int, names: Collection[str]) -> str:
    """The option of the smallest weight."""
    return min(names, key=lambda name: (weight(salt, name), name))


def in_split(name: str, split: str) -> bool:
    """Whether an entry belongs to the split, `test` or `train`."""
    return (weight(number("split"), name) % TRAIN_EVERY == 0) == (split == "train")
