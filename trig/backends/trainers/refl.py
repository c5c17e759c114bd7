"""Reward feedback learning (ReFL): the gradient of a reward, through the picture that a late step of painting would end in."""

from collections.abc import Sequence
from math import ceil

import numpy as np

from trig.backends.gradients import rewards
from trig.backends.gradients.rewards import Reward
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.online import OnLine
from trig.params.finetune import Finetune

LATE = 0.75
"""Share of the steps that are painted without gradients: before it a picture is not yet to be seen."""


class Refl(OnLine):
    """Paints up to a late step, and raises the reward of what is left to paint in one more."""

    def __init__(self, base: Diffusers, settings: Finetune, seed: int, reward: Reward | None = None) -> None:
        super().__init__(base, settings, seed)
        self.reward = reward or rewards.load(settings.gradient.differentiable)

    def rewarded_by(self) -> str:
        """The reward's name."""
        return self.gradient.reward

    def practised(self, prompts: Sequence[str], rng: np.random.Generator, number: int) -> float:
        """`batch_size` pictures, all stopped at one step, which is drawn."""
        chosen = self.some(prompts, self.settings.batch_size, rng)
        begun = self.sampler.begin(chosen, rng)
        stop = int(rng.integers(min(ceil(LATE * self.sampler.steps), self.sampler.steps - 1), self.sampler.steps))
        latents = self.sampler.roll(begun, stop, range(0), rng).latents[-1]
        said = self.sampler.said(begun, latents, self.sampler.level(begun, stop))
        clean = self.family.move(self.pipe, latents, said, begun.levels[stop], 0.0, 0.0).mean
        rewarded = self.reward(self.sampler.shown(clean), chosen).mean()
        found = -self.finite(-float(rewarded.detach()), number)
        self.optimiser.zero_grad()
        (-rewarded).backward()
        self.learn()
        return found
