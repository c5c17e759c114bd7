"""Licences and origins of what prompts were written from."""

from collections import Counter
from collections.abc import Iterator, Mapping

import polars as pl

from trig.annotate.material import Material, Phrase
from trig.tables.funnel import Credit
from trig.vocabulary.dimensions import Dimension, Pair, Task

Entry = tuple[str, str, str, str]
"""Captions or phrases, licence, origin, and the name of the entry."""


def credits_of(prompts: pl.DataFrame, material: Material) -> tuple[Credit, ...]:
    """Captions and phrases that the prompts use, by licence and origin: the material's own where an entry has none."""
    captions = {name: _entry("captions", each.licence, each.origin, name, material) for name, each in material.captions.items()}
    phrases = {task: dict(_phrases(task, material)) for task in Task}
    rows = prompts.select(pl.col("task", "pair").cast(pl.String), "caption", "sub_prompts").rows()
    return _counted([set(_used(captions, phrases[Task(task)], *row)) for task, *row in rows])


def credits_of_imported(prompts: pl.DataFrame, licence: str, origin: str) -> tuple[Credit, ...]:
    """The licence and origin of an imported benchmark, for its prompts."""
    return _counted([{("prompts", licence, origin, f"{task}/{name}")} for task, name in prompts.select("task", "data_id").rows()])


def _entry(of: str, licence: str | None, origin: str | None, name: str, material: Material) -> Entry:
    return of, licence or material.about.licence, origin or material.about.origin, name


def _phrases(task: Task, material: Material) -> Iterator[tuple[tuple[Dimension, str], Entry]]:
    for dimension, phrases in material.phrases.items():
        for phrase in reversed(phrases):  # of two with one text the first stays
            yield (dimension, _text(phrase, task)), _entry("phrases", phrase.licence, phrase.origin, f"{dimension}/{phrase.id}", material)


def _text(phrase: Phrase, task: Task) -> str:
    return phrase.edit if task is Task.P2P else phrase.text


def _used(
    captions: Mapping[str, Entry], phrases: Mapping[tuple[Dimension, str], Entry], pair: str, caption: str, sub_prompts: list[str]
) -> Iterator[Entry]:
    """Entries of one prompt; a caption or a phrase that is not the material's has none."""
    x, y = (Pair.parse(pair).x, Pair.parse(pair).y)
    if caption in captions:
        yield captions[caption]
    for dimension, text in zip((x, y), sub_prompts, strict=True):
        if text and (entry := phrases.get((dimension, text))):
            yield entry


def _counted(used: list[set[Entry]]) -> tuple[Credit, ...]:
    entries = Counter(entry[:3] for entry in set().union(*used))
    prompts = Counter(key for each in used for key in {entry[:3] for entry in each})
    return tuple(
        Credit(of=of, licence=licence, origin=origin, entries=entries[of, licence, origin], prompts=prompts[of, licence, origin])
        for of, licence, origin in sorted(entries)
    )
