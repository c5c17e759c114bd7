"""Bars on training objectives: each raises its reward on the prompts it trains on, at the same steps and pictures a step.

The reward is the judge's mean of a pair's two dimensions; of refl, which follows a gradient, the saturation of the pictures.
"""

from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter

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
from trig.protocols.judge import Judge
from trig.run.display import bar
from trig.testing.project import Project
from trig.vocabulary.dimensions import Pair
from trig.vocabulary.figures import Figure

MODEL, PAIR = "tiny", Pair.parse("IQ-A_D-A")
CHOSEN_BY: dict[LossName | GradientName, PolicyName] = {
    "sft": "threshold", "dpo": "dominance", "mapo": "dominance", "kto": "threshold", "rankdpo": "best_of_n", "tdpo": "corrupt", "refl": "group",
    "flow-grpo": "group",
}  # fmt: skip
CANDIDATES, FRESH, STEPS = 256, 96, 60
"""Pictures to choose lessons from; pictures with other seeds, on which the reward is measured; steps of training."""
GAIN = 0.01
PAINTED = {"prompts": 2, "group": 8}
"""What a policy gradient paints in a step: as many pictures as the others learn from."""


def losses(project: Project) -> Iterator[Bar]:
    """Reward of the base, then of an adapter by each objective: the same candidates, steps, pictures a step and learning rate."""
    settings, prompts, judge = params.load(), prompts_of(project), judges.load(params.load())
    fresh = select.candidates(prompts, PAIR, CANDIDATES + FRESH).tail(FRESH)
    asked: list[Rewarded] = []

    def candidates(wanted: pl.DataFrame) -> Rewarded:
        if not asked:
            asked.append(_judged(wanted, painters.load(settings, MODEL), settings, judge))
        return asked[0]

    before = _judged(fresh, painters.load(settings, MODEL), settings, judge)
    for loss in CHOSEN_BY:
        yield measure(loss, settings, prompts, candidates, partial(_judged, fresh, settings=settings, judge=judge), before)


def measure(
    loss: LossName | GradientName,
    settings: Params,
    prompts: pl.DataFrame,
    candidates: Callable[[pl.DataFrame], Rewarded],
    after: Callable[[Generator], Rewarded],
    before: Rewarded,
) -> Bar:
    """Trains by one objective, and compares rewards."""
    wanted = _settings(settings, loss)
    name, changed = next(iter(settings.tunings)), settings.model_copy(update={"finetune": wanted})
    (lesson,) = lessons.search(MODEL, [[PAIR]], prompts, candidates, wanted)
    base, judge, began = Diffusers(MODEL, settings.pipeline(MODEL)), judges.load(settings), perf_counter()
    tuner = trainers.load(changed, name, base)(JudgeCritic(lesson, judge.revision, partial(scored, settings=settings, judge=judge)))
    bar(f"train by {loss}", ((step, STEPS) for step, _ in enumerate(tuner.steps(lesson.lessons), 1)))
    seconds, then, now = perf_counter() - began, _rewards(before, wanted), _rewards(after(base), wanted)
    both = [(one, other) for one, other in zip(then, now, strict=True) if one is not None and other is not None]
    first, last = np.mean(both, axis=0) if both else (float("nan"), float("nan"))
    of = f"{len(lesson.lessons.members)} {wanted.form} by {wanted.policy}, {STEPS} steps, {seconds:.0f} s; {len(both)} of {len(then)} with both rewards"
    what = f"reward of {PAIR} by {loss} ({of}): {first:.3f} to {last:.3f}, gain"
    return at_least(what, last - first, GAIN)


def _settings(settings: Params, loss: LossName | GradientName) -> Finetune:
    assert settings.finetune
    whole = settings.finetune.model_dump()
    gradient = {**whole["gradient"], **PAINTED, "reward": "saturation" if loss == "refl" else "mean"}
    own = {"loss": loss, "policy": CHOSEN_BY[loss], "candidates": CANDIDATES, "steps": STEPS, "gradient": gradient}
    return Finetune.model_validate({**whole, **own})


def _judged(asked: pl.DataFrame, painter: Generator, settings: Params, judge: Judge) -> Rewarded:
    images = painted(asked, painter, settings, MODEL)
    return images, scored(asked, images, settings, judge)


def _rewards(found: Rewarded, settings: Finetune) -> list[float | None]:
    """Of each picture, or of each of its scores; null where there is none."""
    images, scores = found
    if settings.loss == "refl":
        shown = images.sort(select.CANDIDATE)["image"].struct.field("bytes")
        return [None if file is None else figures(pixels(file))[Figure.SATURATION] for file in shown]
    return scores.sort(*select.CANDIDATE, "dimension")["expected"].to_list()
