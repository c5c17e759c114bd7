"""A family of diffusion architectures: what its trainer needs beside the call of its pipelines."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trig.backends.families.calls import Calls
from trig.backends.families.latents import decoded, encoded
from trig.backends.families.moves import Move
from trig.params.finetune import GradientName
from trig.pictures import pixels
from trig.protocols.tuner import Sample

Call = Mapping[str, Any]
"""What the painter calls a pipeline with: size, guidance, longest prompt."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Training samples as the network sees them."""

    latents: Tensor  # (B, …), clean
    conditions: Mapping[str, Tensor]  # the network's arguments with a row per sample
    shared: Mapping[str, Any]  # those that all samples share

    def rows(self, rows: Tensor) -> Self:
        """A batch of samples; `rows` (B,) may repeat."""
        return replace(self, latents=self.latents[rows], conditions={name: tensor[rows] for name, tensor in self.conditions.items()})

    def to(self, place: torch.device | str) -> Self:
        """The same on a device; what is shared stays where it is."""
        moved = {name: tensor.to(place) for name, tensor in self.conditions.items()}
        return replace(self, latents=self.latents.to(place), conditions=moved)


def joined(parts: Sequence[Encoded]) -> Encoded:
    """Samples of several parts; shorter prompts are padded with zeros, as their masks are."""
    first = parts[0]
    conditions = {name: _stacked([part.conditions[name] for part in parts]) for name in first.conditions}
    return replace(first, latents=torch.cat([part.latents for part in parts]), conditions=conditions)


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    longest = max(tensor.shape[1] for tensor in tensors) if tensors[0].ndim > 1 else 0
    padded = [F.pad(each, [*[0] * (2 * each.ndim - 3), longest - each.shape[1]]) if longest else each for each in tensors]
    return torch.cat(padded)


class Family(Calls, ABC):
    """Pipelines with the same network, latents and training target."""

    pipelines: tuple[str, ...]
    """Class names in diffusers."""
    network: ClassVar[str]
    """Pipeline component that the adapter is added to; also the prefix of its keys in a saved adapter."""
    targets: ClassVar[tuple[str, ...]]
    """LoRA target modules: attention projections and feed-forward layers."""
    practises: ClassVar[tuple[GradientName, ...]]
    """Policy gradients that can paint with it step by step."""

    def unfit(self, pipe: Any) -> str | None:
        """Why this pipeline of the family cannot be trained, and what to do."""
        return (
            "guidance is distilled into this model, and no adapter can be trained for it; name another base"
            if self.distilled(pipe)
            else None
        )

    def learns_edits(self, pipe: Any) -> bool:  # noqa: ARG002 - for a family of pipelines that take a source
        """Whether it can be trained with source pictures."""
        return False

    def encode(self, pipe: Any, call: Call, samples: Sequence[Sample]) -> Encoded:
        """Latents and conditions of samples, whose pictures are of one size; all have a source, or none."""
        pictures = pipe.image_processor.preprocess([pixels(sample.picture) for sample in samples])
        return self.told(pipe, call, [sample.prompt for sample in samples], self.cells(pipe, pictures))

    def begin(self, pipe: Any, call: Call, prompts: Sequence[str]) -> Encoded:
        """Pictures to paint of these prompts; the latents are zero."""
        network, factor = getattr(pipe, self.network), pipe.vae_scale_factor
        shape = len(prompts), self.channels(pipe), call["height"] // factor, call["width"] // factor
        return self.told(pipe, call, prompts, torch.zeros(shape, device=network.device, dtype=network.dtype))

    def against(self, pipe: Any, call: Call, prompts: Sequence[str]) -> Encoded:
        """What guidance leads away from: the negative prompt, for as many pictures."""
        return self.begin(pipe, call, [call.get("negative_prompt") or ""] * len(prompts))

    def guided(self, toward: Tensor, away: Tensor, scale: float) -> Tensor:
        """Classifier-free guidance."""
        return away + scale * (toward - away)

    def channels(self, pipe: Any) -> int:
        """Of an autoencoder's latents."""
        channels: int = getattr(pipe, self.network).config.in_channels
        return channels

    def cells(self, pipe: Any, pictures: Tensor) -> Tensor:
        """Scaled latents (B, channels, rows, columns) of pictures of -1 to 1."""
        return encoded(pipe.vae, pictures)

    def unpacked(self, pipe: Any, latents: Tensor, width: int, height: int) -> Tensor:  # noqa: ARG002 - for a family whose latents stand in a row
        """The network's latents as the autoencoder's."""
        return latents

    def shown(self, pipe: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """Pictures (B, 3, height, width) of 0 to 1, with gradients."""
        return decoded(pipe.vae, self.unpacked(pipe, latents, width, height))

    @abstractmethod
    def told(self, pipe: Any, call: Call, prompts: Sequence[str], cells: Tensor) -> Encoded:
        """These latents and prompts as the network sees them."""

    @abstractmethod
    def noised(self, pipe: Any, clean: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Noisy latents, their noise levels and the target to predict."""

    @abstractmethod
    def predict(self, pipe: Any, given: Encoded, noisy: Tensor, level: Tensor) -> Tensor:
        """The network's prediction of the target."""

    @abstractmethod
    def levels(self, pipe: Any, given: Encoded, steps: int) -> list[float]:
        """Noise levels that these are painted through, from the highest to 0, which is none."""

    @abstractmethod
    def move(self, pipe: Any, latents: Tensor, said: Tensor, now: float, then: float, noise: float) -> Move:
        """The step between two of those levels, given the network's prediction. `noise` 0: the step is certain."""
