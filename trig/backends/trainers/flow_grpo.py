"""Policy gradient with advantages within groups (Flow-GRPO): steps of painting that led to better pictures of a prompt become likelier."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from trig.backends.gradients.clipped import advantages, clipped
from trig.backends.gradients.sampler import Rollout
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.online import OnLine
from trig.params.finetune import Finetune
from trig.protocols.tuner import Critic


class Grpo(OnLine):
    """Paints groups of pictures of a prompt, asks for their rewards, and learns from how each compares with its group."""

    def __init__(self, base: Diffusers, settings: Finetune, seed: int, critic: Critic) -> None:
        super().__init__(base, settings, seed)
        self.critic = critic

    def rewarded_by(self) -> str:
        """The critic."""
        return self.critic.revision

    def practised(self, prompts: Sequence[str], rng: np.random.Generator, number: int) -> float:
        """The mean is over pictures with a reward. Groups without a difference leave the adapter as it is."""
        chosen = self.some(prompts, self.gradient.prompts, rng)
        rollouts = self.painted([prompt for prompt in chosen for _ in range(self.gradient.group)], rng)
        for rollout in rollouts:
            self.finite(float(rollout.latents[-1].sum()), number)
        files = [file for rollout in rollouts for file in self.sampler.files(rollout)]
        groups = [files[start : start + self.gradient.group] for start in range(0, len(files), self.gradient.group)]
        rewards = self.critic.rewards(list(zip(chosen, groups, strict=True)))
        gained = torch.tensor([each for group in rewards for each in advantages(group)], device=rollouts[0].begun.latents.device)
        for _ in range(self.gradient.updates if gained.any() else 0):
            self.update(rollouts, gained)
        return float(np.mean([reward for group in rewards for reward in group if reward is not None]))

    def painted(self, prompts: Sequence[str], rng: np.random.Generator) -> list[Rollout]:
        """A picture of each prompt, `batch_size` together."""
        steps, size = self.sampler.steps, self.settings.batch_size
        window = self.gradient.window or steps - 1
        first = int(rng.integers(0, steps - window))
        batches = (prompts[start : start + size] for start in range(0, len(prompts), size))
        return [self.sampler.roll(self.sampler.begin(batch, rng), steps, range(first, first + window), rng) for batch in batches]

    def update(self, rollouts: Sequence[Rollout], gained: Tensor) -> None:
        """One step of the optimiser on all that was painted."""
        self.optimiser.zero_grad()
        start = 0
        for rollout in rollouts:
            own = gained[start : start + len(rollout.begun.latents)]
            start += len(own)
            for number in rollout.log_probs:
                (self.objective(rollout, number, own).sum() / (len(gained) * len(rollout.log_probs))).backward()
        self.learn()

    def objective(self, rollout: Rollout, number: int, gained: Tensor) -> Tensor:
        """Of one step of painting, (B,): the clipped ratio's, and the divergence from the base."""
        begun, before, after = rollout.begun, rollout.latents[number], rollout.latents[number + 1]
        level, said = self.sampler.level(begun, number), partial(self.sampler.said, begun)
        move = self.sampler.move(begun, number, before, said(before, level), self.sampler.noise)
        lost = clipped(move.log_prob(after), rollout.log_probs[number], gained, self.gradient.clip)
        if not self.gradient.kl:
            return lost
        base = self.sampler.move(begun, number, before, self.reference(said, before, level), self.sampler.noise)
        return lost + self.gradient.kl * move.divergence(base)
