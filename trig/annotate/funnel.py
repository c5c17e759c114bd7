"""Counts the funnel of annotation from the accepted prompts and the rejected drafts."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean, quantiles

import polars as pl

from trig.tables.funnel import Coverage, Credit, Funnel, GivenUp, Subset, Words
from trig.text.words import words
from trig.vocabulary.dimensions import Dimension, Pair, Task

Key = tuple[Task, Pair, str]
"""A subset of one split."""
NO_KIND = "none"
"""Kind of a caption that has none."""
WRITTEN = "written"
"""Frames of a prompt that a model wrote."""


def funnel(
    prompts: pl.DataFrame,
    rejected: pl.DataFrame,
    wanted: Mapping[Key, int],
    kinds: Mapping[str, str | None],
    phrases: Mapping[tuple[Task, Dimension], Collection[str]],
    credits_: tuple[Credit, ...] = (),
    given_up: Mapping[Key, Sequence[GivenUp]] | None = None,
) -> Funnel:
    """Counts per subset, in the order of `wanted`. `kinds` are those of the captions, `phrases` the sub-prompts that the material has.

    `credits_` are the licences and origins that `trig.annotate.credits` counts; `given_up` is what the run says of slots without a prompt.
    """
    names = ["task", "pair", "split"]
    accepted = {tuple(map(str, key)): part for key, part in prompts.partition_by(names, as_dict=True).items()}
    counted = rejected.group_by([*names, "check"]).len().rows()
    refused: dict[tuple[str, ...], dict[str, int]] = {}
    for task, pair, split, check, count in sorted(counted):
        refused.setdefault((task, pair, split), {})[check] = count
    return Funnel(
        subsets=tuple(
            _subset(key, count, accepted.get(name, prompts.clear()), refused.get(name, {}), kinds, phrases, (given_up or {}).get(key, ()))
            for key, count in wanted.items()
            for name in [(key[0].value, str(key[1]), key[2])]
        ),
        credits=credits_,
    )


def _subset(
    key: Key,
    wanted: int,
    prompts: pl.DataFrame,
    rejected: Mapping[str, int],
    kinds: Mapping[str, str | None],
    phrases: Mapping[tuple[Task, Dimension], Collection[str]],
    given_up: Sequence[GivenUp],
) -> Subset:
    task, pair, split = key
    copied = prompts.filter(pl.col("route") == "copy").height
    used = prompts["sub_prompts"].to_list()
    return Subset(
        task=task.value,
        pair=str(pair),
        split=split,
        wanted=wanted,
        drafted=prompts.height - copied + sum(rejected.values()),
        copied=copied,
        accepted=prompts.height,
        rejected=dict(rejected),
        kinds=_counts(kinds.get(caption) or NO_KIND for caption in prompts["caption"]),
        frames=_counts(template or WRITTEN for template in prompts["template"]),
        phrases={
            dimension.value: _coverage([row[index] for row in used], phrases.get((task, dimension), ()))
            for index, dimension in enumerate((pair.x, pair.y))
        },
        words=_words([len(words(prompt)) for prompt in prompts["prompt"]]),
        given_up=tuple(sorted(given_up, key=lambda one: one.slot)),
    )


def _coverage(used: Iterable[str], there: Collection[str]) -> Coverage:
    """Counts of the phrases; one that a model changed counts as a phrase of the prompt, and not as one of the material."""
    counts = Counter(phrase for phrase in used if phrase)
    known = set(there)
    return Coverage(there=len(known), used=len(known & counts.keys()), most=max(counts.values(), default=0), prompts=counts.total())


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _words(counts: list[int]) -> Words | None:
    if not counts:
        return None
    low, median, high = quantiles(counts, n=4, method="inclusive") if len(counts) > 1 else counts * 3
    return Words(least=min(counts), low=float(low), median=float(median), high=float(high), most=max(counts), mean=round(fmean(counts), 2))
