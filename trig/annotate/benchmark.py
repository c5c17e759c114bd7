"""A benchmark: prompts, rejected drafts and source pictures, written from a material or taken from an imported one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from trig import tables
from trig.annotate import imported, pictures
from trig.annotate.checks import Checks
from trig.annotate.compose import Composer
from trig.annotate.funnel import funnel
from trig.annotate.material import Material, material
from trig.annotate.review import verdicts
from trig.annotate.run import SPLITS, Annotation
from trig.annotate.scribe import Scribe
from trig.annotate.sentence import Shown
from trig.errors import TableError
from trig.params.annotate import Annotate
from trig.tables.funnel import Funnel
from trig.tables.rejected import REJECTED
from trig.tables.sources import SOURCES
from trig.vocabulary.dimensions import Dimension, Task

Show = Callable[[str, Iterator[tuple[int, int]]], object]
"""Callback that consumes a progress iterator, given its title."""
Hire = Callable[[Material, Callable[[str], bytes | None]], Scribe]
"""Puts a language model to work on a material, with the reader of source pictures."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """All that the stage writes."""

    prompts: pl.DataFrame
    rejected: pl.DataFrame
    sources: pl.DataFrame  # of the prompts
    funnel: Funnel
    unusable: Mapping[str, str]  # source picture → why no prompt names it

    def notes(self) -> Iterator[str]:
        """What was left out, one line per cause."""
        if self.rejected.height:
            counts = ", ".join(f"{count} {check}" for check, count in self.rejected["check"].value_counts(sort=True).rows())
            yield f"{self.rejected.height} drafts were rejected ({counts}); data/rejected.parquet has them with their reasons"
        if short := [one for one in self.funnel.subsets if one.exhausted]:
            yield f"{len(short)} subsets are short of prompts, {short[0].task} {short[0].pair} first: {short[0].accepted} of {short[0].wanted}"
        if self.unusable:
            name, reason = next(iter(self.unusable.items()))
            yield f"{len(self.unusable)} source pictures are not used, {name} first: {reason}"


def benchmark(folder: Path, sources: Path, review: Path, settings: Annotate, seed: int, hire: Hire | None, show: Show) -> Benchmark:
    """Annotates. Raises TableError and ParamsError in one line for a material or sources that cannot be meant."""
    if imported.about(folder).kind == "imported":
        return _taken(folder, review, settings)
    found = material(folder, settings.allow_toxic)
    given = pictures.given(sources) if set(settings.tasks) - {Task.T2I} else pictures.Given(pl.DataFrame(schema=dict(SOURCES.columns)), {})
    files = dict(given.rows.select("source", pl.col("image").struct.field("bytes")).iter_rows())
    scribe = hire(found, files.get) if hire else None
    pool, unusable = _described(sources, given, settings, scribe)
    composer = Composer(found, {row["source"]: _shown(row) for row in pool.drop("image").iter_rows(named=True)}, seed)
    checks = Checks(settings, found.about.language, found.words.betraying, found.words.unsafe, _known(found))
    made = Annotation(composer, settings, checks, scribe, verdicts(review)).run(lambda steps: show("annotate", steps))
    used = pool.filter(pl.col("source").is_in(made.prompts["source"].drop_nulls().unique().to_list()))
    kinds = {name: caption.kind for name, caption in found.captions.items()}
    return Benchmark(made.prompts, made.rejected, used, _funnel(made.prompts, made.rejected, settings, kinds, _phrases(found)), unusable)


def _funnel(
    prompts: pl.DataFrame,
    rejected: pl.DataFrame,
    settings: Annotate,
    kinds: Mapping[str, str | None],
    phrases: Mapping[tuple[Task, Dimension], list[str]],
) -> Funnel:
    wanted = {
        (task, pair, split): settings.size(task, pair) if split == "test" else settings.train_per_subset
        for task, pair in settings.subsets()
        for split in SPLITS
    }
    return funnel(prompts, rejected, {key: count for key, count in wanted.items() if count}, kinds, phrases)


def _phrases(found: Material) -> dict[tuple[Task, Dimension], list[str]]:
    return {
        (task, dimension): [text for phrase in phrases if (text := phrase.edit if task is Task.P2P else phrase.text)]
        for task in Task
        for dimension, phrases in found.phrases.items()
    }


def _described(place: Path, given: pictures.Given, settings: Annotate, scribe: Scribe | None) -> tuple[pl.DataFrame, dict[str, str]]:
    """Source pictures with what they show, and why others cannot be used."""
    rows, unusable = given.rows, dict(given.broken)
    if scribe:
        for task in (Task.P2P, Task.S2P):
            if task in settings.tasks:
                rows, unfit = scribe.describe(rows, task)
                unusable |= unfit
    if undescribed := rows.filter(pl.col("subject").is_null()).height:
        raise TableError(
            f"{place}: {undescribed} of {rows.height} pictures have no description; write what they show into"
            f" {place / pictures.NOTES if place.is_dir() else 'the column subject'}, or name a vision model in annotate.annotator"
        )
    return rows, unusable


def _shown(row: Mapping[str, Any]) -> Shown:
    return Shown(row["subject"], row["other"], row["place"], row["item"])


def _known(found: Material) -> list[str]:
    """Texts of the material: no private person's name is in them."""
    captions = [text for each in found.captions.values() for text in (each.subject, each.action, each.other, each.place)]
    return captions + [phrase.text for phrases in found.phrases.values() for phrase in phrases]


def _taken(folder: Path, review: Path, settings: Annotate) -> Benchmark:
    """The prompts of an imported benchmark: of each subset the first so many, and those that people accepted."""
    prompts, place = imported.load(folder)
    accepted = verdicts(review)
    wanted = prompts.filter(pl.col("task").cast(pl.String).is_in(settings.tasks))
    if accepted is not None:
        wanted = wanted.filter(pl.col("key").is_in([key for key, verdict in accepted.items() if verdict.verdict == "accept"]))
    if settings.profile == "even":
        wanted = wanted.group_by("task", "pair", maintain_order=True).head(settings.per_subset)
    used = wanted["source"].drop_nulls().unique().to_list()
    sources = tables.read(place, SOURCES).filter(pl.col("source").is_in(used)) if used else pl.DataFrame(schema=dict(SOURCES.columns))
    rejected = pl.DataFrame(schema=dict(REJECTED.columns))
    return Benchmark(wanted, rejected, sources, _funnel(wanted, rejected, settings, {}, {}), {})
