"""Template-based prompt composition from captions and sub-prompts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import polars as pl

from trig.annotate.quality import fits
from trig.annotate.sources import Caption, Sources, SubPrompts
from trig.errors import ParamsError
from trig.keys import content_key, prompt_key
from trig.params.annotate import Annotate
from trig.vocabulary.dimensions import Pair, Task

TRAIN_EVERY = 4
"""Every fourth caption is held for the train split, so the splits share none."""
TRIES = 200
"""Maximum rejected attempts per prompt."""


@dataclass(frozen=True, slots=True)
class Composed:
    """Composed prompt and the phrase of each dimension."""

    prompt: str
    sub_prompts: tuple[str, str]
    source: str


class Row(TypedDict):
    """Row of the prompts table."""

    task: str
    pair: str
    data_id: str
    prompt: str
    sub_prompts: list[str]
    source: str
    annotator: str
    parent: str | None
    item: str | None
    source_image: bytes | None
    split: str
    key: str


def sentence(caption: Caption, x: SubPrompts, y: SubPrompts, phrases: tuple[str, str], company: bool) -> tuple[str, tuple[str, str]]:
    """Prompt with both phrases in their slots, and the phrases as used.

    Two subjects are joined; a phrase that replaces the caption's subject may keep it as `company`. When both dimensions want the suffix the
    second has it, and the first, being optional, has none.
    """
    slots = [x.slot, y.slot]
    if slots[0] == slots[1] == "suffix":
        phrases, slots = ("", phrases[1]), ["none", "suffix"]
    if slots[0] == slots[1] == "subject":
        slots[1] = "other"
    filled = {slot: phrase for slot, phrase in zip(slots, phrases, strict=True) if phrase}
    things = filled.get("subject", caption.subject)
    if "relation" in filled:
        things += f" {filled['relation']} {filled.get('other', caption.other)}"
    elif "other" in filled:
        things += f" and {filled['other']}"
    elif "subject" in filled and company:
        things += f" and {caption.subject}"
    words = " ".join(part for part in (filled.get("style", ""), things, caption.place) if part)
    return (f"{words}, {filled['suffix']}" if "suffix" in filled else words), phrases


def compose(pair: Pair, captions: Sequence[tuple[int, Caption]], sources: Sources, rng: np.random.Generator) -> Composed:
    """One prompt of a pair, from a random caption and random phrases."""
    number, caption = captions[int(rng.integers(len(captions)))]
    x, y = sources.dimensions[pair.x], sources.dimensions[pair.y]
    chosen = (x.phrases[int(rng.integers(len(x.phrases)))], y.phrases[int(rng.integers(len(y.phrases)))])
    prompt, used = sentence(caption, x, y, chosen, company=bool(rng.random() < 0.5))
    return Composed(prompt, used, f"caption-{number}")


def prompts(captions: Sequence[Caption], sources: Sources, settings: Annotate, seed: int) -> pl.DataFrame:
    """Prompts table. Subsets are seeded by their own name, independently of each other."""
    numbered = list(enumerate(captions, 1))
    splits = {
        "test": ([row for row in numbered if row[0] % TRAIN_EVERY], settings.per_subset),
        "train": ([row for row in numbered if not row[0] % TRAIN_EVERY], settings.train_per_subset),
    }
    taken: dict[str, list[Row]] = {}
    subsets = settings.subsets()
    for task, pair in sorted(subsets, key=lambda subset: str(subset[1]) in sources.copies):
        parent = sources.copies.get(str(pair))
        rows = _copies(task, pair, taken.get(parent, [])) if parent else list(_rows(task, pair, splits, sources, settings, seed))
        taken[str(pair)] = rows
    return pl.DataFrame(
        [row for _, pair in subsets for row in taken[str(pair)]],
        schema_overrides={"source_image": pl.Binary, "item": pl.String},
        infer_schema_length=None,
    )


def _rows(
    task: Task, pair: Pair, splits: dict[str, tuple[list[tuple[int, Caption]], int]], sources: Sources, settings: Annotate, seed: int
) -> Iterator[Row]:
    rng = np.random.default_rng(int(content_key(seed=seed, task=task.value, pair=str(pair))[:16], 16))
    number, seen = 0, set[str]()
    for split, (captions, count) in splits.items():
        for _ in range(count):
            number += 1
            made = next(
                (one for one in (compose(pair, captions, sources, rng) for _ in range(TRIES)) if _good(one, pair, sources, settings, seen)),
                None,
            )
            if made is None:
                raise ParamsError(
                    f"params.yaml: annotate: {task} {pair}: captions and sub-prompts give no more than {number - 1} different {split} prompts of at most"
                    f" {settings.max_tokens} tokens; ask for fewer or add captions"
                )
            seen.add(made.prompt)
            yield _row(task, pair, number, made.prompt, made.sub_prompts, made.source, None, split)


def _good(made: Composed, pair: Pair, sources: Sources, settings: Annotate, seen: set[str]) -> bool:
    needed = [not sources.dimensions[dimension].optional for dimension in (pair.x, pair.y)]
    return made.prompt not in seen and fits(made.prompt, made.sub_prompts, needed, settings.max_tokens)


def _copies(task: Task, pair: Pair, parents: list[Row]) -> list[Row]:
    """Prompts copied verbatim from the parent subset, which shares a dimension with this pair."""
    copied = []
    for number, parent in enumerate(parents, 1):
        theirs = Pair.parse(parent["pair"])
        phrases = dict(zip((theirs.x, theirs.y), parent["sub_prompts"], strict=True))
        ours = tuple(phrases.get(dimension, "") for dimension in (pair.x, pair.y))
        copied.append(_row(task, pair, number, parent["prompt"], ours, parent["source"], parent["data_id"], parent["split"]))
    return copied


def _row(task: Task, pair: Pair, number: int, prompt: str, phrases: tuple[str, ...], source: str, parent: str | None, split: str) -> Row:
    return {
        "task": task.value,
        "pair": str(pair),
        "data_id": f"{pair}_{number}",
        "prompt": prompt,
        "sub_prompts": list(phrases),
        "source": source,
        "annotator": "template",
        "parent": parent,
        "item": None,
        "source_image": None,
        "split": split,
        "key": prompt_key(task.value, prompt, None),
    }
