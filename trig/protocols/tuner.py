"""Interface of trainers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

Sample: TypeAlias = tuple[str, bytes]
"""Prompt and PNG."""


class Tuner(Protocol):
    """Model with a trainable adapter."""

    def key(self, samples: Sequence[Sample]) -> str:
        """Cache key of a training on these samples."""
        ...

    def steps(self, samples: Sequence[Sample], done: int = 0) -> Iterator[float]:
        """Trains on the samples from step `done`; yields the loss of each step."""
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
