"""Bars on training objectives: each raises its reward on the prompts it trains on, at the same steps and pictures a step.

The reward is the judge's mean of a pair's two dimensions; of refl, which follows a gradient, the saturation of the pictures.
"""

from collections.abc import Iterator
from functools import cached_property, partial
from time import perf_counter
from typing import cast

import numpy as np
import polars as pl

from benchmarks.bar import Bar, at_least
from benchmarks.study import Rewarded, painted, prompts_of, scored
from trig import params
from trig.backends import judges, painters, trainers
from trig.backends.painters.diffusers import Diffusers
from trig.figures.measures import figures
from trig.finetune import lessons, select
from trig.finetune.rewards import JudgeCritic
from trig.params import Params
from trig.params.finetune import Finetune, GradientName, LossName, PolicyName
from trig.pictures import pixels
from trig.protocols.generator import Generator
from trig.run.display import bar
from trig.tables.sources import Library
from trig.testing.project import Project
from trig.vocabulary.dimensions import Pair
from trig.vocabulary.figures import Figure

MODEL, PAIR, ALIGNED = "tiny-turbo", Pair.parse("IQ-A_R-T"), Pair.parse("TA-S_D-A")
"""Model; the pair that is repaired, and that of tdpo, which learns what a prompt asks for: of pairs with words the one with the lowest scores."""
WAYS: dict[LossName | GradientName, tuple[PolicyName, float]] = {
    "sft": ("best_of_n", 7e-4), "dpo": ("best_of_n", 3e-3), "mapo": ("dominance", 2e-3), "kto": ("threshold", 3e-3), "rankdpo": ("best_of_n", 3e-3),
    "tdpo": ("corrupt", 3e-3), "refl": ("group", 7e-4), "flow-grpo": ("group", 3e-3),
}  # fmt: skip
"""Policy and learning rate of each. A loss that compares is bounded below, and moves a tenth as far as a fit at the same rate."""
CANDIDATES, FRESH, STEPS = 256, 96, 60
"""Pictures to choose lessons from; pictures with other seeds, on which the reward is measured; steps of training."""
GAIN = 0.01
PAINTED = {"prompts": 2, "group": 8}
"""What a policy gradient paints in a step: as many pictures as the others learn from."""


def losses(project: Project) -> Iterator[Bar]:
    """Reward of the base, then of an adapter by each objective: the same candidates, steps and pictures a step, each at its own learning rate."""
    grounds = {pair: Ground(project, pair) for pair in (PAIR, ALIGNED)}
    for loss in WAYS:
        yield measure(loss, grounds[ALIGNED if loss == "tdpo" else PAIR])


class Ground:
    """A pair's train prompts: candidates that objectives share, and fresh seeds on which the reward is measured."""

    def __init__(self, project: Project, pair: Pair) -> None:
        self.pair, self.settings, self.prompts = pair, params.load(), prompts_of(project)
        self.judge, self._painted = judges.load(self.settings), cast("Rewarded | None", None)
        self.fresh = select.candidates(self.prompts, pair, CANDIDATES + FRESH).tail(FRESH)

    @cached_property
    def before(self) -> Rewarded:
        """Fresh pictures of the base."""
        return self.judged(self.fresh, painters.load(self.settings, MODEL))

    def candidates(self, wanted: pl.DataFrame) -> Rewarded:
        """Pictures of the base to choose from, painted once."""
        if self._painted is None:
            self._painted = self.judged(wanted, painters.load(self.settings, MODEL))
        return self._painted

    def judged(self, asked: pl.DataFrame, painter: Generator) -> Rewarded:
        """Pictures and their scores."""
        images = painted(asked, painter, self.settings, MODEL)
        return images, scored(asked, images, self.settings, self.judge)


def measure(loss: LossName | GradientName, ground: Ground) -> Bar:
    """Trains by one objective, and compares rewards."""
    wanted = _settings(ground.settings, loss)
    name = next(iter(ground.settings.tunings))
    tuning = ground.settings.tunings[name].model_copy(update={"base": MODEL, "finetune": {}})
    changed = ground.settings.model_copy(update={"finetune": wanted, "tunings": {name: tuning}})
    (lesson,) = lessons.search(MODEL, [[ground.pair]], ground.prompts, ground.candidates, wanted, Library())
    base, began = Diffusers(MODEL, ground.settings.pipeline(MODEL)), perf_counter()
    critic = JudgeCritic(lesson, ground.judge.revision, partial(scored, settings=ground.settings, judge=ground.judge))
    tuner = trainers.load(changed, name, base)(critic)
    bar(f"train by {loss}", ((step, STEPS) for step, _ in enumerate(tuner.steps(lesson.lessons), 1)))
    seconds, then, now = perf_counter() - began, _rewards(ground.before, wanted), _rewards(ground.judged(ground.fresh, base), wanted)
    both = [(one, other) for one, other in zip(then, now, strict=True) if one is not None and other is not None]
    first, last = np.mean(both, axis=0) if both else (float("nan"), float("nan"))
    of = f"{len(lesson.lessons.members)} {wanted.form} by {wanted.policy}, {STEPS} steps, {seconds:.0f} s; {len(both)} of {len(then)} with both rewards"
    what = f"reward of {ground.pair} by {loss} ({of}): {first:.3f} to {last:.3f}, gain"
    return at_least(what, last - first, GAIN)


def _settings(settings: Params, loss: LossName | GradientName) -> Finetune:
    assert settings.finetune
    (policy, rate), gradient = WAYS[loss], {**settings.finetune.gradient.model_dump(), **PAINTED}
    gradient["reward"] = "saturation" if loss == "refl" else "mean"
    own = {"loss": loss, "policy": policy, "learning_rate": rate, "candidates": CANDIDATES, "prompts": None, "guard": None, "steps": STEPS}
    return settings.finetune.differing({**own, "gradient": gradient})


def _rewards(found: Rewarded, settings: Finetune) -> list[float | None]:
    """Of each picture, or of each of its scores; null where there is none."""
    images, scores = found
    if settings.loss == "refl":
        shown = images.sort(select.CANDIDATE)["image"].struct.field("bytes")
        return [None if file is None else figures(pixels(file))[Figure.SATURATION] for file in shown]
    return scores.sort(*select.CANDIDATE, "dimension")["expected"].to_list()
