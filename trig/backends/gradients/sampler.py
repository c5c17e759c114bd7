"""Paints with an adapter in training, step by step, as the entry of its base paints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trig.backends.families.family import Call, Encoded, Family
from trig.backends.families.moves import Move
from trig.backends.painters.develop import developed, file
from trig.params.models.diffusers import DiffusersModel


@dataclass(frozen=True, slots=True)
class Begun:
    """Pictures to paint."""

    given: Encoded
    against: Encoded | None  # the negative prompt's; None: no guidance
    latents: Tensor  # (B, …), float32: noise
    levels: list[float]


@dataclass(frozen=True, slots=True)
class Rollout:
    """Pictures that were painted, and how likely each step with noise was."""

    begun: Begun
    latents: list[Tensor]  # before each step, and after the last
    log_probs: dict[int, Tensor]  # of the steps with noise, by their number: (B,)


@dataclass(frozen=True, slots=True)
class Sampler:
    """How pictures are painted in training: size and guidance are the entry's."""

    pipe: Any
    family: Family
    model: DiffusersModel
    call: Call  # what the painter calls the pipeline with
    steps: int
    noise: float

    @torch.no_grad()
    def begin(self, prompts: Sequence[str], rng: np.random.Generator) -> Begun:
        """Encoded prompts, and noise."""
        given = self.family.begin(self.pipe, self.call, prompts)
        guided = self.model.guidance_scale > 1 and not self.family.distilled(self.pipe)
        against = self.family.against(self.pipe, self.call, prompts) if guided else None
        return Begun(given, against, self.drawn(given.latents, rng), self.family.levels(self.pipe, given, self.steps))

    def drawn(self, like: Tensor, rng: np.random.Generator) -> Tensor:
        """Standard normal noise, float32."""
        return torch.from_numpy(rng.standard_normal(like.shape, dtype=np.float32)).to(like.device)

    def said(self, begun: Begun, latents: Tensor, level: Tensor) -> Tensor:
        """The network's guided prediction, float32."""
        noisy = latents.to(begun.given.latents.dtype)
        toward = self.family.predict(self.pipe, begun.given, noisy, level).float()
        if begun.against is None:
            return toward
        away = self.family.predict(self.pipe, begun.against, noisy, level).float()
        return self.family.guided(toward, away, self.model.guidance_scale)

    def move(self, begun: Begun, number: int, latents: Tensor, said: Tensor, noise: float) -> Move:
        """Step `number`."""
        now, then = begun.levels[number : number + 2]
        return self.family.move(self.pipe, latents, said, now, then, noise)

    def level(self, begun: Begun, number: int) -> Tensor:
        """Noise level before step `number`, of each picture."""
        return torch.full((len(begun.latents),), begun.levels[number], device=begun.latents.device)

    @torch.no_grad()
    def roll(self, begun: Begun, steps: int, noisy: range, rng: np.random.Generator) -> Rollout:
        """The first `steps` steps, with noise in those of `noisy`."""
        latents, log_probs = [begun.latents], dict[int, Tensor]()
        for number in range(steps):
            said = self.said(begun, latents[-1], self.level(begun, number))
            move = self.move(begun, number, latents[-1], said, self.noise if number in noisy else 0.0)
            latents.append(move.taken(self.drawn(begun.latents, rng)) if move.std else move.mean)
            if move.std:
                log_probs[number] = move.log_prob(latents[-1])
        return Rollout(begun, latents, log_probs)

    def shown(self, latents: Tensor) -> Tensor:
        """Pictures of 0 to 1, with gradients."""
        return self.family.shown(self.pipe, latents, self.model.width, self.model.height)

    @torch.no_grad()
    def files(self, rollout: Rollout) -> list[bytes | None]:
        """PNG files; None for one that is black or not finite."""
        pictures = [developed(each) for each in self.shown(rollout.latents[-1]).permute(0, 2, 3, 1).cpu().numpy()]
        return [file(picture, "png") if isinstance(picture, Image.Image) else None for picture in pictures]
