"""Bars on the whole pipeline: time, memory, what reruns, and the relations found."""

import json
from collections.abc import Iterator

import numpy as np
import polars as pl

from benchmarks.bar import Bar, at_least, at_most, exactly
from trig import params, tables
from trig.backends.cards import TUNING
from trig.params.models.entry import Scope
from trig.tables.prompts import of_tasks
from trig.tables.relations import RELATIONS
from trig.tables.scores import SCORES
from trig.testing.project import Project
from trig.vocabulary.dimensions import SUBSETS, Task


def first(project: Project) -> Iterator[Bar]:
    """`dvc repro` of a fresh copy."""
    yield at_most("pipeline, first run", project.first.seconds, 600, " s")
    yield at_most("pipeline, peak memory of all its processes", project.first.peak / 1e9, 6, " GB")


def again(project: Project) -> Iterator[Bar]:
    """`dvc repro` again."""
    ran, stages = project.dvc("repro")
    yield at_most("second dvc repro", ran.seconds, 1, " s")
    yield exactly("stages that run again", stages, set())


def threshold(project: Project) -> Iterator[Bar]:
    """An experiment with another threshold."""
    ran, stages = project.dvc("exp", "run", "--set-param", "thresholds.synergy=0.7")
    yield at_most("dvc exp run -S thresholds.synergy=0.7", ran.seconds, 20, " s")
    yield exactly("stages that a threshold reaches", stages, {"params", "classify", "gate-relations", "report"})


def maps(project: Project) -> Iterator[Bar]:
    """Relations in reports/metrics.json."""
    base, turbo = (project.metrics["models"][model] for model in ("tiny", "tiny-turbo"))
    yield at_least("different relations in the map of tiny", sum(count > 0 for count in base["relations"].values()), 3)
    task = "t2i"
    differ = sum(relation != turbo["pairs"][task][pair] for pair, relation in base["pairs"][task].items())
    yield at_least("pairs that differ between the maps of tiny and tiny-turbo", differ, 1)


def tasks(project: Project) -> Iterator[Bar]:
    """What the default run has."""
    settings = params.load(project.done / "params.yaml")
    relations = tables.read(project.done / "data/relations.parquet", RELATIONS)
    yield at_least("subsets with a relation", relations.select("task", "pair").unique().height, len(SUBSETS))
    yield exactly("tasks with relations", set(relations["task"].cast(pl.String).unique()), {task.value for task in Task})
    yield at_least("curves", len(settings.curves), 1)
    yield exactly("prompting and its control", {each.by for each in settings.promptings.values()}, {"dtm", "best-of"})
    yield at_least("supported relations", relations.filter(evidence="supported").height, 20)


def tuned(project: Project) -> Iterator[Bar]:
    """The tuned model on its target pair, on test prompts."""
    settings = params.load(project.done / "params.yaml")
    for name, tuning in settings.tunings.items():
        card = json.loads((project.done / "data/lora" / name / TUNING).read_text("utf-8"))
        before, after = (_mean(project, model, card["pairs"], settings.scope(name)) for model in (tuning.base, name))
        pairs = ", ".join(card["pairs"])
        yield Bar(f"{name} on {pairs}, mean S", f"{before:.4f} → {after:.4f}", "a rise", after > before)


def _mean(project: Project, model: str, pairs: list[str], scope: Scope) -> float:
    """Mean S of a model's test pictures of these pairs and of a scope's tasks, over both dimensions."""
    scores = tables.read(project.done / "data/scores" / f"{model}.parquet", SCORES)
    own = of_tasks(scores, scope).filter(pl.col("pair").cast(pl.String).is_in(pairs))["expected"].drop_nulls()
    return float(np.mean(own.to_numpy()))
