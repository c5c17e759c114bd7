"""A family of diffusion architectures: what its trainer needs beside the call of its pipelines."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from torch import Tensor

from trig.backends.families.calls import Calls
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
