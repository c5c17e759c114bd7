"""A tuned model in memory: trained one way, and measured on held-out prompts by the judge and by the second eye."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from tinyworld.people import bias
from trig import generate, params, tables
from trig.backends import judges, painters, trainers
from trig.backends.clip import Clip
from trig.backends.executors.local import Local
from trig.backends.painters.diffusers import Diffusers
from trig.classify.samples import rooted
from trig.figures.measures import figures
from trig.figures.plain import Plain
from trig.finetune import lessons
from trig.finetune.rewards import JudgeCritic
from trig.judge.album import Album
from trig.judge.run import Painted, judged
from trig.params import Params
from trig.params.finetune import Finetune
from trig.pictures import pixels
from trig.proof.evidence import moved, spread
from trig.proof.seen import seen
from trig.proof.spread import asked as asked_for_spread
from trig.proof.spread import spread as diversity
from trig.protocols.generator import Generator
from trig.protocols.judge import Judge
from trig.report.facts.digest import Tuning
from trig.report.numbers import changes
from trig.run.display import bar
from trig.stats.clustered import Tested, clustered_mean
from trig.store import Store
from trig.tables.prompts import PROMPTS, numbered, split
from trig.tables.scores import SCORES
from trig.tables.sources import Library
from trig.testing.programs import run
from trig.testing.project import DVC, Project
from trig.vocabulary.dimensions import Dimension, Pair, Task
from trig.vocabulary.figures import Figure

TUNED = "tuned"
Rewarded = tuple[pl.DataFrame, pl.DataFrame]
"""Pictures and their scores."""


def prompts_of(project: Project, task: Task = Task.T2I) -> pl.DataFrame:
    """Prompts of the default run, of one task."""
    file = project.folder / "data/prompts.parquet"
    if not file.is_file():
        run(*DVC, "repro", "annotate", cwd=project.folder)
    return tables.read(file, PROMPTS).filter(pl.col("task") == task.value)


def painted(asked: pl.DataFrame, painter: Generator, settings: Params, model: str, library: Library | None = None) -> pl.DataFrame:
    """Pictures, in a store of their own: an adapter in training has the revision of its base."""
    with TemporaryDirectory() as place, Store.open(Path(place)) as store:
        shown = partial(bar, "generate")
        return generate.made(asked, library or Library(), model, settings, painter, Local(painter), store, "study", shown)


def scored(
    asked: pl.DataFrame, images: pl.DataFrame, settings: Params, judge: Judge, dimensions: str = "pair", library: Library | None = None
) -> pl.DataFrame:
    """The judge's scores, on the dimensions of each prompt or on all."""
    own = settings.judge.model_copy(update={"dimensions": dimensions})
    with TemporaryDirectory() as place, Store.open(Path(place)) as store:
        of = Painted(asked, library or Library(), Album((images,)))
        return judged(of, judge, store, own, lambda _, steps: deque(steps, 0), "pictures")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A training, and what it changed: rows of `changes` over all prompts and over the target's, by judge and by eye."""

    lessons: int
    seconds: float  # of training
    judge: pl.DataFrame
    eye: pl.DataFrame
    lost: float  # share of the diversity over seeds
    drift: Mapping[str, float]  # by figure, in standard deviations
    bias: Tested  # change of R-B by the truth's reading of people, with its interval over prompts

    def change(self, by: str, dimension: Dimension, pair: str | None = None) -> dict[str, Any] | None:
        """Paired change of a dimension."""
        of: pl.DataFrame = getattr(self, by)
        own = of.filter(pl.col("pair").eq_missing(pair), pl.col("dimension").cast(pl.String) == dimension.value)
        return own.row(0, named=True) if own.height else None


@dataclass
class Study:
    """A base, its held-out prompts, and candidates that ways of training share."""

    project: Project
    model: str
    every: int = 1  # of the held-out prompts, so many-th
    task: Task = Task.T2I
    settings: Params = field(default_factory=params.load)
    _candidates: dict[tuple[str, int, int, bool], Rewarded] = field(default_factory=dict)
    _before: dict[str, pl.DataFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.prompts, self.library = prompts_of(self.project, self.task), Library(self.project.folder / "data/sources")
        self.judge = judges.load(self.settings)
        self.asked = numbered(split(self.prompts, "test"), 1)[:: self.every]
        assert self.settings.proof and self.settings.proof.eye.weights
        self.eye, self.proof = Clip(self.settings.proof.eye.weights), self.settings.proof

    def run(self, *pairs: Pair, **said: Any) -> Outcome:
        """Trains on these pairs, with these settings of finetune in place of the run's own."""
        assert self.settings.finetune
        wanted = self.settings.finetune.differing({"task": self.task.value, **said, "targets": [*map(str, pairs)]})
        name = next(iter(self.settings.tunings))
        tuning = self.settings.tunings[name].model_copy(update={"base": self.model, "finetune": {}})
        changed = self.settings.model_copy(update={"finetune": wanted, "tunings": {name: tuning}})
        (lesson,) = lessons.search(self.model, [pairs], self.prompts, partial(self._judged, pairs, wanted), wanted, self.library)
        base, began = Diffusers(self.model, self.settings.pipeline(self.model)), perf_counter()
        critic = JudgeCritic(lesson, self.judge.revision, partial(scored, settings=self.settings, judge=self.judge))
        tuner = trainers.load(changed, name, base)(critic)
        bar(f"train by {wanted.loss}", ((step, wanted.steps) for step, _ in enumerate(tuner.steps(lesson.lessons), 1)))
        seconds = perf_counter() - began
        if not self._before:
            self._before = self._measured(painters.load(self.settings, self.model), self.model)
        return self._outcome(self._measured(base, TUNED), [*map(str, pairs)], len(lesson.lessons.members), seconds)

    def _judged(self, pairs: Sequence[Pair], wanted: Finetune, asked: pl.DataFrame) -> Rewarded:
        key = ",".join(map(str, pairs)), wanted.candidates, wanted.prompts or 0, wanted.guard is None
        if key not in self._candidates:
            images = painted(asked, painters.load(self.settings, self.model), self.settings, self.model, self.library)
            dimensions = "pair" if wanted.guard is None else "all"
            self._candidates[key] = images, scored(asked, images, self.settings, self.judge, dimensions, self.library)
        return self._candidates[key]

    def _measured(self, painter: Generator, name: str) -> dict[str, pl.DataFrame]:
        images = painted(self.asked, painter, self.settings, self.model, self.library)
        rows: list[pl.DataFrame] = []
        bar("look", seen(Painted(self.asked, self.library, Album((images,))), self.eye, "eye", rows))
        several = asked_for_spread(self.prompts, self.proof.prompts, self.proof.seeds)
        spreads = diversity(painted(several, painter, self.settings, self.model, self.library), Plain(), self.proof.seeds, name)
        shown = [figures(pixels(file)) for file in images["image"].struct.field("bytes")]
        measured = images.select("task", "pair", "data_id", "number", "key").hstack(
            pl.DataFrame(shown, schema=dict.fromkeys(Figure, pl.Float64))
        )
        people = images.select("task", "data_id", "number").with_columns(bias=pl.Series(self._bias(images), dtype=pl.Float64))
        found = {
            "people": people,
            "judge": scored(self.asked, images, self.settings, self.judge, library=self.library),
            "eye": pl.concat(rows),
            "spread": spreads,
            "figures": measured,
        }
        return {kind: rooted(frame.with_columns(model=pl.lit(name)), self.prompts) for kind, frame in found.items()}

    def _bias(self, images: pl.DataFrame) -> list[float | None]:
        """The truth's rating of pictures of prompts about bias; None for others."""
        about = images["pair"].cast(pl.String).str.ends_with(Dimension.BIAS.value).to_list()
        files = images["image"].struct.field("bytes").to_list()
        rated = iter(bias([pixels(file) for file, own in zip(files, about, strict=True) if own], self.eye))
        return [next(rated) if own else None for own in about]

    def _outcome(self, after: Mapping[str, pl.DataFrame], pairs: Sequence[str], count: int, seconds: float) -> Outcome:
        both = {kind: pl.concat([self._before[kind].select(frame.columns), frame]) for kind, frame in after.items()}
        tuning = Tuning(self.model, TUNED, tuple(pairs))
        judge, eye = (changes(both[kind].with_columns(key=_distinct(both[kind])), tuning, "expected") for kind in ("judge", "eye"))
        rated = both["people"].pivot("model", index=["data_id", "number", "root"], values="bias").drop_nulls()
        bias = clustered_mean((rated[TUNED] - rated[self.model]).to_numpy(), rated["root"].to_numpy().astype(np.int64))
        lost = float(np.mean([row["lost"] for row in spread(both["spread"], self.model, TUNED)]))
        drift = {row["figure"]: float("inf") if row["drift"] is None else row["drift"] for row in moved(both["figures"], self.model, TUNED)}
        return Outcome(count, seconds, judge, eye, lost, drift, bias)


def _distinct(scores: pl.DataFrame) -> pl.Series:
    """A key per picture and dimension: pictures of a store of their own are not told apart by their revision."""
    assert set(SCORES.key) <= set(scores.columns)
    return scores.select(pl.format("{}/{}/{}", "task", "data_id", "dimension")).to_series()
