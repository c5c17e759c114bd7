"""LoRA fine-tuning of a diffusers pipeline with peft; saved in diffusers format."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from trig.backends import losses
from trig.backends.families.family import Encoded, joined
from trig.backends.losses.batch import Batch
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.adapter import Adapter
from trig.backends.trainers.attention import differentiable
from trig.keys import content_key
from trig.params.finetune import Finetune
from trig.protocols.tuner import Lessons

TRAINING = 3
"""Cache version: raise it when training changes, so that old checkpoints are not resumed."""
TOGETHER = 2**21
"""Pixels of pictures that are encoded in one batch."""


@dataclass(frozen=True, slots=True)
class Taught:
    """Lessons as tensors."""

    given: Encoded  # the pictures of all lessons, each once
    members: Tensor  # (lessons, members): rows of `given`
    gains: Tensor  # (lessons, members)
    labels: Tensor  # (lessons,)
    weights: Tensor  # (lessons,)
    kinds: list[Tensor]  # lessons that are drawn equally often: of single pictures the good, and those to avoid

    def drawn(self, pictures: int, rng: np.random.Generator) -> Tensor:
        """Lessons of a step of so many pictures, at least one."""
        count = max(1, pictures // self.members.shape[1])
        shares = (count // len(self.kinds) + (index < count % len(self.kinds)) for index in range(len(self.kinds)))
        return torch.cat(
            [kind[torch.from_numpy(rng.integers(0, len(kind), share))] for kind, share in zip(self.kinds, shares, strict=True)]
        )


class Lora(Adapter):
    """An adapter that learns from lessons, by a loss."""

    def __init__(self, base: Diffusers, settings: Finetune, seed: int) -> None:
        super().__init__(base, settings, seed, TRAINING)
        self.loss = losses.load(settings.objective)

    def key(self, lessons: Lessons) -> str:
        """Content key of a training run: base model, hyperparameters, seed and lessons."""
        samples = [(prompt, *(blake2b(file, digest_size=16).digest() for file in files if file)) for prompt, *files in lessons.samples]
        return content_key(
            tuner=self.revision,
            samples=samples,
            members=lessons.members,
            labels=lessons.labels,
            weights=lessons.weights,
            gains=lessons.gains,
        )

    def steps(self, lessons: Lessons, done: int = 0) -> Iterator[float]:
        """Trains on the lessons, resuming after `done` steps; yields the loss of each step. Raises ParamsError when it is not finite."""
        taught = self.taught(lessons)
        for number in range(done, self.settings.steps):
            with differentiable(self.network):
                loss = self.step(taught, number)
            yield loss

    def step(self, taught: Taught, number: int) -> float:
        """One step of the optimiser, and its loss. Batch, noise levels and noise are seeded by (seed, number)."""
        rng, parts = np.random.default_rng((self.seed, number)), self.settings.accumulation
        self.optimiser.zero_grad()
        said = 0.0
        for _ in range(parts):
            loss = self.loss(self.batch(taught, taught.drawn(self.settings.batch_size, rng)), rng) / parts
            said += self.finite(float(loss.detach()), number)
            loss.backward()
        self.learn()
        return said

    @torch.no_grad()
    def taught(self, lessons: Lessons) -> Taught:
        """Lessons as the network sees them: pictures and prompts are encoded once, and wait in memory beside the device."""
        size = max(1, TOGETHER // (self.call["width"] * self.call["height"]))
        parts = (lessons.samples[start : start + size] for start in range(0, len(lessons.samples), size))
        given = joined([self.family.encode(self.pipe, self.call, part).to("cpu") for part in parts])
        gains, labels, weights = (torch.tensor(each, dtype=torch.float32) for each in (lessons.gains, lessons.labels, lessons.weights))
        members = torch.tensor(lessons.members)
        every, bad = torch.arange(len(members)), labels == 0
        kinds = [every[~bad], every[bad]] if members.shape[1] == 1 else [every]
        return Taught(given, members, gains, labels, weights, [kind for kind in kinds if len(kind)])

    def batch(self, taught: Taught, chosen: Tensor) -> Batch:
        """What a loss is given of these lessons."""
        device = self.network.device
        given = taught.given.rows(taught.members[chosen].flatten()).to(device)
        predict = partial(self.family.predict, self.pipe, given)
        gains, labels, weights = (each[chosen].to(device) for each in (taught.gains, taught.labels, taught.weights))
        noised, reference = partial(self.family.noised, self.pipe), partial(self.reference, predict)
        return Batch(given.latents, noised, predict, reference, gains, labels, weights, self.settings.strength)
