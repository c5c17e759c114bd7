"""Rows of the quality report: what its tables and bars show. Text stays as it is; the page escapes it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import category

import polars as pl

from trig.tables.funnel import Funnel, Subset, Words, evenness
from trig.tables.rejected import CHECKS
from trig.text.words import words
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension, Pair

ABOUT_CHECKS: Mapping[str, str] = {
    "written": "the language model gave a prompt",
    "length": "no longer than allowed, and not blank",
    "language": "in the material's language",
    "readable": "sentences a person reads without effort; no markup, no control characters",
    "shown": "both sub-prompts show",
    "recovered": "a language model that is given only the prompt names both dimensions among ten",
    "plain": "no word that betrays the evaluation",
    "private": "names no real private person",
    "safe": "no unsafe content outside R-T",
    "distinct": "no near-duplicate of another prompt of the task, and none across splits",
    "reviewed": "accepted by people",
}
EXAMPLES = 4
"""Rejected drafts shown per check, each with another reason where there is one."""
LONGEST = 240
"""Characters of a shown text."""
BINS = 24
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class Example:
    """A rejected draft."""

    where: str
    prompt: str
    reason: str
    annotator: str


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check, how many drafts failed it first, and some of them."""

    name: str
    about: str
    count: int
    share: float  # of the most frequent check
    examples: Sequence[Example]


@dataclass(frozen=True, slots=True)
class Box:
    """Words per prompt, as percentages of the most words of any prompt of the task."""

    words: Words
    least: float
    low: float
    median: float
    high: float
    most: float


@dataclass(frozen=True, slots=True)
class SubsetRow:
    """A subset; its bar as percentages of the longest bar of the task."""

    subset: Subset
    name: str
    rejected: int
    checks: str
    drafted_width: float
    copied_width: float
    rejected_width: float
    kinds: float | None  # evenness
    frames: float | None
    box: Box | None


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """Sub-prompts of a dimension over the subsets of a task and split."""

    task: str
    split: str
    dimension: str
    there: int
    least: int  # phrases used in the subset that uses the fewest
    most: int
    share: float  # largest share of one phrase in a subset


@dataclass(frozen=True, slots=True)
class Histogram:
    """Words per prompt of a task: heights in per cent of the highest bin."""

    task: str
    low: int
    high: int
    heights: Sequence[float]
    mean: float


def visible(text: str, longest: int = LONGEST) -> str:
    """A text as it may be shown: shortened, and with characters that are not seen, or turn the text around, named."""
    shown = "".join(f"⟨U+{ord(letter):04X}⟩" if category(letter) in UNSEEN else letter for letter in text[:longest])
    return shown if len(text) <= longest else f"{shown}… ({len(text):,} characters)"


def checks(rejected: pl.DataFrame) -> list[CheckRow]:
    """All checks in their order."""
    names = rejected["check"].cast(pl.String)
    found = Counter(names)
    most = max(found.values(), default=1)
    return [
        CheckRow(name, ABOUT_CHECKS[name], found[name], found[name] / most, list(_examples(rejected.filter(names == name))))
        for name in CHECKS
    ]


def _examples(rejected: pl.DataFrame) -> Iterator[Example]:
    """The first draft of each reason, and others where there are fewer reasons."""
    ordered = rejected.sort("task", "pair", "split", "slot", "round").with_columns(pl.int_range(pl.len()).over("reason").alias("turn"))
    for row in ordered.sort("turn", maintain_order=True).head(EXAMPLES).iter_rows(named=True):
        yield Example(f"{row['task']} {row['pair']} {row['split']}", row["prompt"], row["reason"], row["annotator"])


def subsets(funnel: Funnel, task: str, split: str) -> list[SubsetRow]:
    """Rows of a task's subsets of one split; those that nothing was wanted of are left out."""
    own = [one for one in funnel.subsets if one.task == task and one.split == split and (one.wanted or one.accepted)]
    longest = max((one.drafted + one.copied for one in own), default=1) or 1
    wordiest = max((one.words.most for one in own if one.words), default=1) or 1
    return [_subset(one, longest, wordiest) for one in own]


def _subset(one: Subset, longest: int, wordiest: int) -> SubsetRow:
    rejected = sum(one.rejected.values())
    pair = Pair.parse(one.pair)
    return SubsetRow(
        subset=one,
        name=f"{ABOUT[pair.x].name} × {ABOUT[pair.y].name}",
        rejected=rejected,
        checks=", ".join(f"{check} {one.rejected[check]:,}" for check in CHECKS if check in one.rejected),
        drafted_width=100 * (one.accepted - one.copied) / longest,
        copied_width=100 * one.copied / longest,
        rejected_width=100 * rejected / longest,
        kinds=evenness(one.kinds),
        frames=evenness(one.frames),
        box=None if one.words is None else _box(one.words, wordiest),
    )


def _box(found: Words, wordiest: int) -> Box:
    least, low, median, high, most = (100 * value / wordiest for value in (found.least, found.low, found.median, found.high, found.most))
    return Box(found, least, low, median, high, most)


def coverage(funnel: Funnel) -> list[CoverageRow]:
    """Coverage of the sub-prompts of each dimension, where a subset has prompts with one."""
    found: dict[tuple[str, str, str], list[tuple[int, int, float]]] = {}
    for one in funnel.subsets:
        for code, phrases in one.phrases.items():
            if phrases.prompts:
                found.setdefault((one.task, one.split, code), []).append((phrases.there, phrases.used, phrases.most / phrases.prompts))
    ordered = sorted(found.items(), key=lambda entry: (entry[0][1], entry[0][0], list(Dimension).index(Dimension(entry[0][2]))))
    return [
        CoverageRow(
            task,
            split,
            f"{code} {ABOUT[Dimension(code)].name}",
            max(there for there, _, _ in rows),
            min(used for _, used, _ in rows),
            max(used for _, used, _ in rows),
            max(share for _, _, share in rows),
        )
        for (task, split, code), rows in ordered
    ]


def histogram(prompts: pl.DataFrame, task: str) -> Histogram | None:
    """Words per test prompt of a task; None without one."""
    texts = prompts.filter(pl.col("task").cast(pl.String) == task, pl.col("split").cast(pl.String) == "test")["prompt"]
    lengths = [len(words(text)) for text in texts]
    if not lengths:
        return None
    low, high = min(lengths), max(lengths)
    width = -(-(high - low + 1) // BINS)
    found = Counter((length - low) // width for length in lengths)
    bins = (high - low) // width + 1
    return Histogram(task, low, high, [100 * found[index] / max(found.values()) for index in range(bins)], sum(lengths) / len(lengths))


def counts(frame: pl.DataFrame, columns: Sequence[str]) -> list[tuple[object, ...]]:
    """Distinct rows of the columns with their counts, the most frequent first."""
    names = [pl.col(name).cast(pl.String) for name in columns]
    found: list[tuple[object, ...]] = (
        frame.group_by(names).agg(n=pl.len()).sort("n", *columns, descending=[True, *[False] * len(columns)]).rows()
    )
    return found


def origins(sources: pl.DataFrame) -> Mapping[str, object]:
    """Source pictures by licence and origin, and their sizes."""
    sizes = {name: (sources[name].min(), sources[name].max()) for name in ("width", "height")}
    return {"count": sources.height, "sizes": sizes, "rows": counts(sources, ("licence", "origin"))}
