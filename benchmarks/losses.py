"""Bars on training objectives: each raises the judge's mean of a pair's two dimensions on the prompts it trains on, at the same budget."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import polars as pl

from benchmarks.bar import Bar, at_least
from trig import generate, params, tables
from trig.backends import judges, painters
from trig.backends.executors.local import Local
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.finetune import lessons, select
from trig.judge.album import Album
from trig.judge.run import Painted, judged
from trig.params import Params
from trig.params.finetune import Finetune, LossName, PolicyName
from trig.protocols.generator import Generator
from trig.protocols.judge import Judge
from trig.run.display import bar
from trig.store import Store
from trig.tables.prompts import PROMPTS
from trig.tables.sources import Library
from trig.testing.programs import run
from trig.testing.project import DVC, Project
from trig.vocabulary.dimensions import Pair

MODEL, PAIR = "tiny", Pair.parse("IQ-A_D-A")
CHOSEN_BY: dict[LossName, PolicyName] = {
    "sft": "threshold", "dpo": "dominance", "mapo": "dominance", "kto": "threshold", "rankdpo": "best_of_n", "tdpo": "corrupt",
}  # fmt: skip
CANDIDATES, FRESH, STEPS = 256, 96, 60
"""Pictures to choose lessons from; pictures with other seeds, on which the reward is measured; steps of training."""
GAIN = 0.01
Rewarded = tuple[pl.DataFrame, pl.DataFrame]


def losses(project: Project) -> Iterator[Bar]:
    """Reward of the base, then of an adapter by each objective: the same candidates, steps, pictures a step and learning rate."""
    settings, prompts, judge = params.load(), _prompts(project), judges.load(params.load())
    fresh = select.candidates(prompts, PAIR, CANDIDATES + FRESH).tail(FRESH)
    asked: list[Rewarded] = []

    def candidates(wanted: pl.DataFrame) -> Rewarded:
        if not asked:
            asked.append(_judged(wanted, painters.load(settings, MODEL), settings, judge))
        return asked[0]

    before = _reward(_judged(fresh, painters.load(settings, MODEL), settings, judge))
    for loss in CHOSEN_BY:
        yield measure(loss, settings, prompts, candidates, partial(_after, fresh, settings, judge), before)


def measure(
    loss: LossName,
    settings: Params,
    prompts: pl.DataFrame,
    candidates: Callable[[pl.DataFrame], Rewarded],
    after: Callable[[Generator], float],
    before: float,
) -> Bar:
    """Trains by one objective, and compares rewards."""
    wanted = _settings(settings, loss)
    (lesson,) = lessons.search(MODEL, [PAIR], prompts, candidates, wanted)
    base, began = Diffusers(MODEL, settings.pipeline(MODEL)), perf_counter()
    tuner = Lora(base, wanted, settings.seed)
    bar(f"train by {loss}", ((step, STEPS) for step, _ in enumerate(tuner.steps(lesson.lessons), 1)))
    seconds, found = perf_counter() - began, after(base)
    of = f"{len(lesson.lessons.members)} {wanted.form} by {wanted.policy}, {STEPS} steps, {seconds:.0f} s"
    what = f"reward of {PAIR} by {loss} ({of}): {before:.3f} to {found:.3f}, gain"
    return at_least(what, found - before, GAIN)


def _settings(settings: Params, loss: LossName) -> Finetune:
    assert settings.finetune
    return Finetune.model_validate(
        {**settings.finetune.model_dump(), "loss": loss, "policy": CHOSEN_BY[loss], "candidates": CANDIDATES, "steps": STEPS}
    )


def _prompts(project: Project) -> pl.DataFrame:
    file = project.folder / "data/prompts.parquet"
    if not file.is_file():
        run(*DVC, "repro", "annotate", cwd=project.folder)
    return tables.read(file, PROMPTS)


def _after(fresh: pl.DataFrame, settings: Params, judge: Judge, painter: Generator) -> float:
    return _reward(_judged(fresh, painter, settings, judge))


def _judged(asked: pl.DataFrame, painter: Generator, settings: Params, judge: Judge) -> Rewarded:
    """Pictures and scores, in a store of their own: an adapter in training has the revision of its base."""
    own = settings.judge.model_copy(update={"dimensions": "pair"})
    with TemporaryDirectory() as place, Store.open(Path(place)) as store:
        images = generate.made(asked, Library(), MODEL, settings, painter, Local(painter), store, "losses", partial(bar, "generate"))
        return images, judged(Painted(asked, Library(), Album((images,))), judge, store, own, bar, "pictures")


def _reward(found: Rewarded) -> float:
    return float(found[1]["expected"].drop_nulls().to_numpy().mean())
