"""The search for pairs with enough lessons."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import polars as pl

from trig.errors import ParamsError
from trig.finetune import policies, select, table
from trig.finetune.points import Points, points
from trig.finetune.published import beside
from trig.params.finetune import Finetune
from trig.protocols.tuner import Lessons
from trig.tables.prompts import split
from trig.tables.sources import Library
from trig.vocabulary.dimensions import Pair

PaintAndJudge: TypeAlias = Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]
"""Generates and judges pictures of prompts: returns the images and the scores table."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Lessons of pairs that one adapter is to repair."""

    base: str  # model that generated the pictures
    parts: Sequence[Points]  # judged candidates of each pair
    rows: pl.DataFrame  # LESSONS
    lessons: Lessons
    settings: Finetune

    @property
    def pairs(self) -> list[Pair]:
        """The pairs to repair."""
        return [points.pair for points in self.parts]

    @property
    def title(self) -> str:
        """Their names."""
        return ", ".join(map(str, self.pairs))

    @property
    def kept(self) -> int:
        """Lessons to learn from, without the pictures to avoid."""
        return self.rows.filter("good")["lesson"].n_unique()

    @property
    def avoided(self) -> int:
        """Pictures to avoid."""
        return len(self.lessons.members) - self.kept

    @property
    def enough(self) -> bool:
        """Whether they fill a batch, and are of both kinds where the loss learns from good and bad ones."""
        both = bool(self.kept and self.avoided) or self.settings.form != "labelled samples"
        return both and sum(map(len, self.lessons.members)) >= self.settings.batch_size

    @property
    def summary(self) -> str:
        """What was found among the candidates, in one line."""
        of, single = self.settings.candidates, self.settings.form in {"samples", "labelled samples"}
        said = (
            f"{self.title}: {self.kept} of {of} pictures pass"
            if single
            else f"{self.title}: {self.kept} {self.settings.form} of {of} pictures"
        )
        if self.settings.policy == "threshold":
            said = f"{said} ({beside(self.parts, self.kept)})"
        if self.settings.form == "labelled samples":
            said = f"{said}, {self.avoided} to avoid"
        if nulls := sum(points.nulls for points in self.parts):
            said = f"{said}, {nulls} without a score are not used"
        if guarded := sum(points.guarded for points in self.parts):
            said = f"{said}, {guarded} that lose on another dimension are not used"
        return said if self.enough else f"{said}: too few for a batch of {self.settings.batch_size} pictures"

    def about(self, losses: Sequence[float]) -> dict[str, object]:
        """Training card of the adapter; `losses` are per step."""
        tenth = max(1, len(losses) // 10)
        return {
            "base": self.base,
            "pairs": [str(pair) for pair in self.pairs],
            "candidates": self.settings.candidates,
            "kept": self.kept,
            "prompts": self.rows.filter("good")["data_id"].n_unique(),
            "loss_first_tenth": round(sum(losses[:tenth]) / tenth, 4),
            "loss_last_tenth": round(sum(losses[-tenth:]) / tenth, 4),
        }


def choices(targets: Path) -> list[list[Pair]]:
    """Choices in a file of data/targets, the preferred one first; the pairs of a choice are learnt together."""
    return [[Pair.parse(pair) for pair in choice] for choice in json.loads(targets.read_text(encoding="utf-8"))["choices"]]


def search(
    base: str,
    choices: Sequence[Sequence[Pair]],
    prompts: pl.DataFrame,
    paint_and_judge: PaintAndJudge,
    settings: Finetune,
    library: Library,
) -> Iterator[Lesson]:
    """Lessons of successive choices, up to the first with a full batch; `library` has the sources of edits. Raises ParamsError when none has one."""
    for pairs in choices:
        lesson = _lesson(base, pairs, prompts, paint_and_judge, settings, library)
        yield lesson
        if lesson.enough:
            return
    named = ", ".join(dict.fromkeys(str(pair) for pairs in choices for pair in pairs))
    said = f"no pair has lessons from a batch of {settings.batch_size} of {settings.candidates} pictures ({named})"
    if settings.policy in {"threshold", "corrupt"}:
        limits = f"that pass keep_above {settings.keep_above} and max_gap {settings.max_gap}"
        raise ParamsError(f"params.yaml: finetune: {said} {limits}: lower keep_above, or raise max_gap or candidates")
    raise ParamsError(
        f"params.yaml: finetune.policy: {settings.policy!r}: {said}: lower min_gain, or raise candidates, so that a prompt has more pictures"
    )


def _lesson(
    base: str, pairs: Sequence[Pair], prompts: pl.DataFrame, paint_and_judge: PaintAndJudge, settings: Finetune, library: Library
) -> Lesson:
    asked = _asked(pairs, prompts, settings)
    _one_size(pl.concat(asked), settings, library)
    images, scores = paint_and_judge(pl.concat(asked))
    held_out, choose = frozenset(split(prompts, "test")["prompt"]), policies.load(settings.policy)
    parts = [
        points(scores.join(own, on=select.CANDIDATE, how="semi"), own, pair, held_out, settings.guard)
        for pair, own in zip(pairs, asked, strict=False)
    ]
    tables = [table.table(choose(part, settings), part, images, base, settings) for part in parts]
    rows = table.together(tables)
    files = dict(images.select("digest", pl.col("image").struct.field("bytes")).drop_nulls("digest").iter_rows())
    return Lesson(base, parts, rows, table.lessons(rows, files, settings, _sources(rows, pl.concat(asked), library)), settings)


def _asked(pairs: Sequence[Pair], prompts: pl.DataFrame, settings: Finetune) -> list[pl.DataFrame]:
    """Candidates and their prompts, shared out evenly among the pairs. One prompt may serve several, each with pictures of its own."""
    share, more = divmod(settings.candidates, len(pairs))
    wide = settings.prompts and max(1, settings.prompts // len(pairs))
    found: list[pl.DataFrame] = []
    for index, pair in enumerate(pairs[: settings.candidates]):
        candidates = partial(select.candidates, prompts, pair, share + (index < more), wide, settings.task)
        own = candidates()
        taken = [int(number) for other in found for number in other.join(own, on=("task", "data_id"), how="semi")["number"]]
        found.append(candidates(begin=max(taken) + 1) if taken else own)
    return found


def _one_size(asked: pl.DataFrame, settings: Finetune, library: Library) -> None:
    """Raises ParamsError unless the sources of candidates, if any, are of one size: a batch has as many tokens of each."""
    sizes = sorted({library.size(source) for source in asked["source"].drop_nulls().unique()})
    if len(sizes) > 1:
        first, *_, last = ("×".join(map(str, size)) for size in sizes)
        raise ParamsError(
            f"params.yaml: finetune.task: {settings.task.value!r}: sources are of {len(sizes)} sizes, from {first} to {last} pixels; bring those of"
            f" annotate.sources to one, or set t2i"
        )


def _sources(rows: pl.DataFrame, asked: pl.DataFrame, library: Library) -> dict[str, bytes]:
    """Source pictures of lessons by their data_id; all are of one task."""
    of = asked.join(rows, on="data_id", how="semi").select("data_id", "source").drop_nulls().unique().sort("data_id")
    return {name: file for name, source in of.iter_rows() if (file := library.get(source))}
