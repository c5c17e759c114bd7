"""The search for a pair with enough lessons, and resumable adapter training."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import TypeAlias

import polars as pl

from trig.errors import ParamsError
from trig.files import replace
from trig.finetune import policies, select, table
from trig.finetune.points import Points, points
from trig.finetune.policies import threshold
from trig.params.finetune import Finetune
from trig.protocols.tuner import Lessons, Tuner
from trig.tables.prompts import split
from trig.vocabulary.dimensions import Pair

Judged: TypeAlias = Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]
"""Generates and judges pictures of prompts: returns the images and the scores table."""
CHECKPOINT_SECONDS = 10.0
"""Interval of time-based checkpoints."""
Show: TypeAlias = Callable[[str, Iterator[tuple[int, int]]], object]
"""Callback that consumes a progress iterator, given its title."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Lessons of a pair."""

    base: str  # model that generated the pictures
    points: Points  # judged candidates
    rows: pl.DataFrame  # LESSONS
    lessons: Lessons
    settings: Finetune

    @property
    def pair(self) -> Pair:
        """The pair to repair."""
        return self.points.pair

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
            f"{self.pair}: {self.kept} of {of} pictures pass"
            if single
            else f"{self.pair}: {self.kept} {self.settings.form} of {of} pictures"
        )
        if self.settings.policy == "threshold":
            said = f"{said} ({threshold.beside(self.points, self.kept)})"
        if self.settings.form == "labelled samples":
            said = f"{said}, {self.avoided} to avoid"
        if self.points.nulls:
            said = f"{said}, {self.points.nulls} without a score are not used"
        return said if self.enough else f"{said}: too few for a batch of {self.settings.batch_size} pictures"

    def about(self, losses: Sequence[float]) -> dict[str, object]:
        """Training card of the adapter; `losses` are per step."""
        tenth = max(1, len(losses) // 10)
        return {
            "base": self.base,
            "pairs": [str(self.pair)],
            "candidates": self.settings.candidates,
            "kept": self.kept,
            "prompts": self.rows.filter("good")["prompt"].n_unique(),
            "loss_first_tenth": round(sum(losses[:tenth]) / tenth, 4),
            "loss_last_tenth": round(sum(losses[-tenth:]) / tenth, 4),
        }


def pairs(weakest: Path) -> list[Pair]:
    """Pairs in a file of data/weakest, the weakest first."""
    return [Pair.parse(pair) for pair in json.loads(weakest.read_text(encoding="utf-8"))["pairs"]]


def search(base: str, pairs: Sequence[Pair], prompts: pl.DataFrame, judged: Judged, settings: Finetune) -> Iterator[Lesson]:
    """Lessons of successive pairs, up to the first with a full batch. Raises ParamsError when none has one."""
    for pair in pairs:
        lesson = _lesson(base, pair, prompts, judged, settings)
        yield lesson
        if lesson.enough:
            return
    said = f"no pair has lessons from a batch of {settings.batch_size} of {settings.candidates} pictures ({', '.join(map(str, pairs))})"
    if settings.policy in {"threshold", "corrupt"}:
        limits = f"that pass keep_above {settings.keep_above} and max_gap {settings.max_gap}"
        raise ParamsError(f"params.yaml: finetune: {said} {limits}: lower keep_above, or raise max_gap or candidates")
    raise ParamsError(
        f"params.yaml: finetune.policy: {settings.policy!r}: {said}: lower min_gain, or raise candidates, so that a prompt has more pictures"
    )


def _lesson(base: str, pair: Pair, prompts: pl.DataFrame, judged: Judged, settings: Finetune) -> Lesson:
    asked = select.candidates(prompts, pair, settings.candidates)
    images, scores = judged(asked)
    found = points(scores, asked, pair, frozenset(split(prompts, "test")["prompt"]))
    rows = table.table(policies.load(settings.policy)(found, settings), found, images, base, settings)
    files = dict(images.select("digest", pl.col("image").struct.field("bytes")).drop_nulls("digest").iter_rows())
    return Lesson(base, found, rows, table.lessons(rows, files, settings), settings)


def teach(tuner: Tuner, lesson: Lesson, folder: Path, curve: Path, checkpoints: Path, show: Show) -> None:
    """Trains the adapter, then replaces the folder with its weights and card; `curve` has the loss of each step so far, as `dvc plots` reads it.

    Resumes from a checkpoint in `checkpoints`, to the same adapter as an uninterrupted run. On divergence the folder is kept and the
    checkpoint deleted.
    """
    checkpoint = checkpoints / f"{tuner.key(lesson.lessons)}.safetensors"
    losses = tuner.load_checkpoint(checkpoint) if checkpoint.is_file() else []
    part = folder.with_name(f".{folder.name}.part")
    rmtree(part, ignore_errors=True)
    try:
        show("train", _trained(tuner, lesson, losses, checkpoint, curve))
        _plot(losses, curve)
        tuner.save(part, lesson.about(losses))
    except ParamsError:
        checkpoint.unlink(missing_ok=True)
        raise
    rmtree(folder, ignore_errors=True)
    part.rename(folder)
    checkpoint.unlink(missing_ok=True)


def _plot(losses: Sequence[float], curve: Path) -> None:
    table = pl.DataFrame({"step": range(1, len(losses) + 1), "loss": losses}, schema={"step": pl.Int64, "loss": pl.Float64})
    replace(curve, table.write_csv(separator="\t").encode())


def _trained(tuner: Tuner, lesson: Lesson, losses: list[float], checkpoint: Path, curve: Path) -> Iterator[tuple[int, int]]:
    """Progress (done, total). Checkpoints periodically and on SIGINT, between steps only: inside one the state is inconsistent."""
    yield len(losses), lesson.settings.steps
    kept_at = time.monotonic()
    with _interrupts_noted() as noted:
        for loss in tuner.steps(lesson.lessons, len(losses)):
            losses.append(loss)
            if noted or time.monotonic() - kept_at > CHECKPOINT_SECONDS:
                tuner.save_checkpoint(checkpoint, losses)
                _plot(losses, curve)
                kept_at = time.monotonic()
            if noted:
                raise KeyboardInterrupt
            yield len(losses), lesson.settings.steps


@contextmanager
def _interrupts_noted() -> Iterator[list[int]]:
    """Defers the first SIGINT: appends it to the list; the next one interrupts."""
    noted: list[int] = []

    def note(number: int, _: object) -> None:
        noted.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
