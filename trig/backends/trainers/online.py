"""Training on what the adapter itself paints: no picture is learnt from that was there before."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from trig.backends.gradients.sampler import Sampler
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.adapter import Adapter
from trig.backends.trainers.attention import differentiable
from trig.keys import content_key
from trig.params.finetune import Finetune, Gradient
from trig.protocols.tuner import Lessons

PRACTISING = 2
"""Cache version: raise it when training on-line changes, so that old checkpoints are not resumed."""


class OnLine(Adapter):
    """An adapter that paints the prompts of its lessons anew in each step."""

    def __init__(self, base: Diffusers, settings: Finetune, seed: int) -> None:
        super().__init__(base, settings, seed, PRACTISING)
        self.gradient: Gradient = settings.gradient
        self.sampler = Sampler(self.pipe, self.family, base.model, self.call, self.gradient.sampler_steps, self.gradient.noise)

    def key(self, lessons: Lessons) -> str:
        """Content key of a training run: base model, hyperparameters, seed, prompts and what rewards."""
        return content_key(tuner=self.revision, prompts=self.prompts(lessons), rewards=self.rewarded_by())

    def prompts(self, lessons: Lessons) -> list[str]:
        """Each once."""
        return list(dict.fromkeys(sample.prompt for sample in lessons.samples))

    def steps(self, lessons: Lessons, done: int = 0) -> Iterator[float]:
        """Trains on the prompts, resuming after `done` steps; yields minus the mean reward of each. Raises ParamsError when it is not finite."""
        prompts = self.prompts(lessons)
        for number in range(done, self.settings.steps):
            with differentiable(self.network):
                loss = -self.practised(prompts, np.random.default_rng((self.seed, number)), number)
            yield self.finite(loss, number)

    def some(self, prompts: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
        """So many, different ones where there are enough."""
        return [prompts[place] for place in rng.choice(len(prompts), count, replace=count > len(prompts))]

    @abstractmethod
    def practised(self, prompts: Sequence[str], rng: np.random.Generator, number: int) -> float:
        """One step, seeded by `rng`, and the mean reward of what was painted before it."""

    @abstractmethod
    def rewarded_by(self) -> str:
        """What tells one reward from another."""
