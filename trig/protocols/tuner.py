"""Interface of trainers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, Self, TypeAlias


class Sample(NamedTuple):
    """A picture to learn from or to avoid."""

    prompt: str
    picture: bytes  # PNG
    source: bytes | None = None  # file of the picture that was edited, or of the subject


@dataclass(frozen=True, slots=True)
class Lessons:
    """What an adapter learns from: pictures, and of each lesson which of them, as many in each, the better first."""

    samples: Sequence[Sample]
    members: Sequence[tuple[int, ...]]  # of each lesson, places in `samples`
    labels: Sequence[float]  # of each lesson: the probability that the first is preferred; of single pictures 1: good, 0: to avoid
    weights: Sequence[float]  # of each lesson
    gains: Sequence[tuple[float, ...]]  # of each lesson, of its members; only lists have other than 0

    @classmethod
    def single(cls, samples: Sequence[Sample]) -> Self:
        """Good pictures that count alike."""
        return cls(
            samples, [(index,) for index in range(len(samples))], [1.0] * len(samples), [1.0] * len(samples), [(0.0,)] * len(samples)
        )


Group: TypeAlias = tuple[str, Sequence[bytes | None]]
"""Prompt and PNG of several pictures of it; None for one that was not painted."""


class Critic(Protocol):
    """Rewards what an adapter paints while it learns."""

    revision: str
    """Hash of everything besides pictures and prompts that decides a reward."""

    def rewards(self, groups: Sequence[Group]) -> list[list[float | None]]:
        """Of each picture; None where there is none. At least one is known."""
        ...


class Tuner(Protocol):
    """Model with a trainable adapter."""

    def key(self, lessons: Lessons) -> str:
        """Cache key of a training on these lessons."""
        ...

    def steps(self, lessons: Lessons, done: int = 0) -> Iterator[float]:
        """Trains on the lessons from step `done`; yields the loss of each step."""
        ...

    def save_checkpoint(self, file: Path, losses: Sequence[float]) -> None:
        """Writes the training state and the losses so far."""
        ...

    def load_checkpoint(self, file: Path) -> list[float]:
        """Restores a checkpoint; returns its losses."""
        ...

    def save(self, folder: Path, about: Mapping[str, object]) -> None:
        """Writes the adapter weights and its card."""
        ...
