"""What a policy gives: lessons, in terms of points."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from trig.finetune.points import Floats, Points
from trig.params.finetune import Finetune


@dataclass(frozen=True, slots=True)
class Choice:
    """A lesson."""

    points: tuple[int, ...]  # one; the better and the worse; or a list, best first
    reason: str  # in words
    good: bool = True  # of one: whether to learn from it, or to avoid it
    agreement: float | None = None  # of a pair: share of scorers for it; None: as the signs of their changes say
    instead: str | None = None  # of one: the corrupted prompt that its own is to be preferred to


Policy: TypeAlias = Callable[[Points, Finetune], list[Choice]]
"""Lessons among judged candidates."""


def gains(change: Floats, settings: Finetune) -> bool:
    """Whether a winner is better by enough on one dimension. A tie never is."""
    best = float(change.max())
    return best > 0 and best >= settings.min_gain


def told(points: Points, change: Floats, why: str) -> str:
    """A reason that names both changes."""
    x, y = change
    return f"{points.pair.x} {x:+.3f}, {points.pair.y} {y:+.3f}: {why}"
