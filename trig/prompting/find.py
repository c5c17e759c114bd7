"""The prompts that a model paints in place of the run's own: by the map, or as the control."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from trig import tables
from trig.backends import cards
from trig.files import rebuilding
from trig.generate.prompted import FILE, repainted
from trig.params.prompting import Prompted, Prompting
from trig.prompting.best import CHOSEN, best, draws
from trig.prompting.loop import Case, Loop
from trig.prompting.measured import Measure
from trig.prompting.recipes import Job, Writer
from trig.tables.made import Made
from trig.tables.prompts import numbered, split
from trig.tables.rewrites import RECIPE, REWRITES
from trig.tables.trials import HISTORY, TRIALS

LINEAGE = (*RECIPE, "instruction")
LEARNT = ("gain", "gain_low", "gain_high", "whole", "fall", "falls")


@dataclass(frozen=True, slots=True)
class Work:
    """What is prompted, and with what."""

    prompted: Prompted
    revision: str  # of the base
    settings: Prompting
    prompts: pl.DataFrame  # PROMPTS
    seeds: int  # pictures of a test prompt
    measure: Measure

    def card(self, rewrites: pl.DataFrame, **more: object) -> dict[str, Any]:
        """What is told of a prompted model. `painted` counts the pictures of its test prompts."""
        sources = split(self.prompts, "test").select("task", "data_id", "source")
        rows = rewrites.join(sources, on=["task", "data_id"], how="left", maintain_order="left").with_columns(noise_key="key")
        pictures = repainted(rows).select("key", "noise_key", "noise").n_unique()
        known = {"base": self.prompted.base, "revision": self.revision, "by": self.prompted.by, "budget": self.settings.budget}
        return {**known, "painted": pictures, **more}


@dataclass(frozen=True, slots=True)
class Found:
    """The folder of a prompted model."""

    rewrites: pl.DataFrame
    card: Mapping[str, Any]
    trials: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(TRIALS.columns)))
    history: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(HISTORY.columns)))

    def write(self, folder: Path, made: Made | None = None) -> None:
        """Replaces the folder."""
        with rebuilding(folder) as part:
            tables.write(self.rewrites, REWRITES, part / FILE, made)
            tables.write(self.trials, TRIALS, part / "trials.parquet", made)
            tables.write(self.history, HISTORY, part / "history.parquet", made)
            (part / cards.PROMPTING).write_text(json.dumps(self.card, indent=1) + "\n", "utf-8")


def by_map(work: Work, writer: Writer) -> Found:
    """Recipes learnt on train prompts, and the test prompts rewritten by them. No picture of a test prompt is looked at."""
    loop = Loop(work.prompts, work.measure, writer, work.settings)
    cases = loop.run()
    rewrites = _rewritten(cases, loop, split(work.prompts, "test"), work.seeds)
    told = {"writer": writer.name, "flag": None, "spent": len(loop.ledger.paid), "left_out": loop.left_out, "draws": None}
    pairs = [_pair(task, pair, loop, cases.get((task, pair))) for task, pair in sorted(loop.relations)]
    return Found(rewrites, work.card(rewrites, **told, pairs=pairs), *loop.tables())


def by_best(work: Work) -> Found:
    """The control: the best of as many seeds as the same budget pays for."""
    rows, ledger = best(work.prompts, work.measure, work.settings.budget, work.seeds, work.settings.map.score)
    none = [pl.lit(None, REWRITES.columns[name]).alias(name) for name in LINEAGE]
    rewrites = rows.with_columns(none, painted="prompt")
    told: dict[str, Any] = {"writer": None, "flag": CHOSEN, "spent": len(ledger.paid), "left_out": 0, "pairs": []}
    return Found(rewrites, work.card(rewrites, **told, draws=draws(work.prompts, work.settings.budget, work.seeds)))


def _rewritten(cases: Mapping[tuple[str, str], Case], loop: Loop, test: pl.DataFrame, seeds: int) -> pl.DataFrame:
    """REWRITES of the test prompts."""
    keys = test.select("task", "pair").rows()
    texts = test["prompt"].to_list()
    rewritten = [index for index, key in enumerate(keys) if key in cases and cases[key].place]
    jobs = [Job(cases[keys[index]].task, cases[keys[index]].aim, cases[keys[index]].recipe, texts[index]) for index in rewritten]
    for index, text in zip(rewritten, loop.writer.write(jobs), strict=True):
        texts[index] = text
    rows = [_lineage(key, loop, cases.get(key)) for key in keys]
    lineage = pl.DataFrame(rows, schema={name: REWRITES.columns[name] for name in LINEAGE})
    whole = pl.concat([test.with_columns(painted=pl.Series(texts, dtype=pl.String)), lineage], how="horizontal")
    return numbered(whole, seeds).with_columns(noise="number")


def _lineage(key: tuple[str, str], loop: Loop, case: Case | None) -> dict[str, Any]:
    relation = loop.relations.get(key)
    told: dict[str, Any] = dict.fromkeys(LINEAGE) | {"relation": relation and relation.value, "instruction": case and case.aim.instruction}
    if case is None or case.place is None:
        return told
    return told | {"recipe": str(case.recipe), "round": case.place[0], "candidate": case.place[1], "writer": loop.writer.name}


def _pair(task: str, pair: str, loop: Loop, case: Case | None) -> dict[str, Any]:
    """What the card tells of a pair: the relation on train prompts, the instruction, and the recipe that was learnt with its gain there."""
    trial = case.trial._asdict() if case and case.trial else dict.fromkeys(LEARNT)
    return {
        "task": task,
        "pair": pair,
        "relation": loop.relations[task, pair].value,
        "instruction": case.aim.instruction if case else None,
        "recipe": str(case.recipe) if case and case.place else None,
        "trials": sum((row["task"], row["pair"]) == (task, pair) for row in loop.trials),
        **{name: trial[name] for name in LEARNT},
    }
