"""A family of diffusion architectures: what its trainer needs beside the call of its pipelines."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from torch import Tensor

from trig.backends.families.calls import Calls
from trig.backends.families.moves import Move
from trig.protocols.tuner import Sample


@dataclass(frozen=True, slots=True)
class Encoded:
    """Training samples as the network sees them."""

    latents: Tensor  # (B, …), clean
    conditions: Mapping[str, Tensor]  # the network's arguments with a row per sample
    shared: Mapping[str, Tensor]  # those that all samples share

    def rows(self, rows: Tensor) -> Self:
        """A batch of samples; `rows` (B,) may repeat."""
        return replace(self, latents=self.latents[rows], conditions={name: tensor[rows] for name, tensor in self.conditions.items()})


class Family(Calls, ABC):
    """Pipelines with the same network, latents and training target."""

    pipelines: tuple[str, ...]
    """Class names in diffusers."""
    network: str
    """Pipeline component that the adapter is added to; also the prefix of its keys in a saved adapter."""
    targets: tuple[str, ...]
    """LoRA target modules."""

    @abstractmethod
    def encode(self, pipe: Any, samples: Sequence[Sample]) -> Encoded:
        """Latents and conditions of (prompt, PNG) samples."""

    @abstractmethod
    def noised(self, pipe: Any, clean: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Noisy latents, their noise levels and the target to predict."""

    @abstractmethod
    def predict(self, pipe: Any, given: Encoded, noisy: Tensor, level: Tensor) -> Tensor:
        """The network's prediction of the target."""

    @abstractmethod
    def begin(self, pipe: Any, prompts: Sequence[str], width: int, height: int) -> Encoded:
        """Pictures to paint of these prompts, in this size; the latents are zero."""

    @abstractmethod
    def levels(self, pipe: Any, given: Encoded, steps: int) -> list[float]:
        """Noise levels that these are painted through, from the highest to none."""

    @abstractmethod
    def move(self, pipe: Any, latents: Tensor, said: Tensor, now: float, then: float, noise: float) -> Move:
        """The step between two of those levels, given the network's prediction. `noise` 0: the step is certain."""

    @abstractmethod
    def shown(self, pipe: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """Pictures (B, 3, height, width) of 0 to 1, with gradients."""
