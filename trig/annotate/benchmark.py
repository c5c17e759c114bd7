"""A benchmark: prompts, rejected drafts and source pictures, written from a material or taken from an imported one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from trig.annotate import imported, pictures
from trig.annotate.checks import Checks
from trig.annotate.compose import Composer
from trig.annotate.credits import credits_of, credits_of_imported
from trig.annotate.funnel import funnel
from trig.annotate.material import Material, material
from trig.annotate.pool import PICTURED, pool
from trig.annotate.review import verdicts
from trig.annotate.run import Annotated, Annotation
from trig.annotate.scribe import Scribe
from trig.errors import TableError
from trig.params.annotate import Annotate
from trig.tables.funnel import Funnel
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
    sources: pl.DataFrame  # of the prompts, without the pictures themselves
    read: Callable[[str], bytes | None]  # reads a source picture by its content hash
    funnel: Funnel
    unusable: Mapping[str, str]  # source picture, or what an import left out → why
    unanswered: Mapping[str, str] = field(default_factory=dict)  # key of a question that nobody answered → why

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
        if self.unanswered:
            reason = next(iter(self.unanswered.values()))
            yield f"{len(self.unanswered)} questions have no answer ({reason}); `dvc repro --force annotate` asks them again"


def benchmark(folder: Path, sources: Path, review: Path, settings: Annotate, seed: int, hire: Hire | None, show: Show) -> Benchmark:
    """Annotates. Raises TableError and ParamsError in one line for a material or sources that cannot be meant."""
    if imported.about(folder).kind == "imported":
        taken = imported.take(folder, verdicts(review), settings)
        head = imported.about(folder)
        credits_ = credits_of_imported(taken.tables[0], head.licence, head.origin)
        counts = funnel(*taken.tables[:2], taken.wanted, {}, {}, credits_, taken.given_up)
        return Benchmark(*taken.tables, taken.library.get, counts, taken.left)
    found = material(folder, settings.allow_toxic)
    given = pictures.given(sources) if set(settings.tasks) - {Task.T2I} else pictures.NONE
    scribe = hire(found, given.reader.get) if hire else None
    rows, unusable = _described(sources, given, settings, scribe)
    if scribe:
        scribe.desk.settle()  # other pictures are other questions: they would be asked in vain
    composer = Composer(found, scribe.pool if scribe else pool(rows), seed)
    checks = Checks(settings, found.about.language, found.words.betraying, found.words.unsafe, _known(found))
    made = Annotation(composer, settings, checks, scribe, verdicts(review)).run(lambda steps: show("annotate", steps))
    if scribe:
        scribe.desk.settle()
    used = rows.filter(pl.col("source").is_in(made.prompts["source"].drop_nulls().unique().to_list()))
    counts, unanswered = _funnel(made, settings, found), scribe.desk.unanswered if scribe else {}
    return Benchmark(made.prompts, made.rejected, used, given.reader.get, counts, unusable, unanswered)


def _funnel(made: Annotated, settings: Annotate, found: Material) -> Funnel:
    kinds = {name: caption.kind for name, caption in found.captions.items()}
    credits_ = credits_of(made.prompts, found)
    return funnel(made.prompts, made.rejected, settings.sizes(), kinds, _phrases(found), credits_, made.given_up)


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
        rows, unfit = scribe.describe(rows, [task for task in PICTURED if task in settings.tasks])
        unusable |= unfit
    if undescribed := rows.filter(pl.col("subject").is_null()).height:
        raise TableError(
            f"{place}: {undescribed} of {rows.height} pictures have no description; write what they show into"
            f" {place / pictures.NOTES if place.is_dir() else 'the column subject'}, or name a vision model in annotate.annotator"
        )
    return rows, unusable


def _known(found: Material) -> list[str]:
    """Texts of the material: no private person's name is in them."""
    captions = [text for each in found.captions.values() for text in (each.subject, each.action, each.other, each.place)]
    return captions + [phrase.text for phrases in found.phrases.values() for phrase in phrases]
