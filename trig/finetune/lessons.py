"""Training data by rejection sampling, and resumable adapter training."""

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
from trig.finetune import select
from trig.params.finetune import Finetune
from trig.protocols.tuner import Sample, Tuner
from trig.vocabulary.dimensions import Pair

Judged: TypeAlias = Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]
"""Generates and judges pictures of prompts: returns the images and the scores table."""
CHECKPOINT_SECONDS = 10.0
"""Interval of time-based checkpoints."""
Show: TypeAlias = Callable[[str, Iterator[tuple[int, int]]], object]
"""Callback that consumes a progress iterator, given its title."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Accepted training samples of a pair."""

    base: str  # model that generated them
    pair: Pair
    samples: Sequence[Sample]
    settings: Finetune

    @property
    def enough(self) -> bool:
        """Whether they fill a batch."""
        return len(self.samples) >= self.settings.batch_size

    @property
    def summary(self) -> str:
        """Acceptance count, in one line."""
        said = f"{self.pair}: {len(self.samples)} of {self.settings.candidates} pictures pass"
        return said if self.enough else f"{said}, fewer than a batch of {self.settings.batch_size}"

    def about(self, losses: Sequence[float]) -> dict[str, object]:
        """Training card of the adapter; `losses` are per step."""
        tenth = max(1, len(losses) // 10)
        return {
            "base": self.base,
            "pairs": [str(self.pair)],
            "candidates": self.settings.candidates,
            "kept": len(self.samples),
            "prompts": len({prompt for prompt, _ in self.samples}),
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
    raise ParamsError(
        f"params.yaml: finetune: no pair has {settings.batch_size} of {settings.candidates} pictures that pass keep_above {settings.keep_above}"
        f" and max_gap {settings.max_gap} ({', '.join(map(str, pairs))}): lower keep_above, or raise max_gap or candidates"
    )


def _lesson(base: str, pair: Pair, prompts: pl.DataFrame, judged: Judged, settings: Finetune) -> Lesson:
    asked = select.candidates(prompts, pair, settings.candidates)
    images, scores = judged(asked)
    kept = select.keep(scores, asked, pair, settings).sort("data_id", "number", "task")
    shown = kept.join(images, on=select.CANDIDATE, how="left", maintain_order="left").select(
        "prompt", pl.col("image").struct.field("bytes")
    )
    return Lesson(base, pair, list(shown.iter_rows()), settings)


def teach(tuner: Tuner, lesson: Lesson, folder: Path, checkpoints: Path, show: Show) -> None:
    """Trains the adapter, then replaces the folder with its weights and card.

    Resumes from a checkpoint in `checkpoints`, to the same adapter as an uninterrupted run. On divergence the folder is kept and the
    checkpoint deleted.
    """
    checkpoint = checkpoints / f"{tuner.key(lesson.samples)}.safetensors"
    losses = tuner.load_checkpoint(checkpoint) if checkpoint.is_file() else []
    part = folder.with_name(f".{folder.name}.part")
    rmtree(part, ignore_errors=True)
    try:
        show("train", _trained(tuner, lesson, losses, checkpoint))
        tuner.save(part, lesson.about(losses))
    except ParamsError:
        checkpoint.unlink(missing_ok=True)
        raise
    rmtree(folder, ignore_errors=True)
    part.rename(folder)
    checkpoint.unlink(missing_ok=True)


def _trained(tuner: Tuner, lesson: Lesson, losses: list[float], checkpoint: Path) -> Iterator[tuple[int, int]]:
    """Progress (done, total). Checkpoints periodically and on SIGINT, between steps only: inside one the state is inconsistent."""
    yield len(losses), lesson.settings.steps
    kept_at = time.monotonic()
    with _interrupts_noted() as noted:
        for loss in tuner.steps(lesson.samples, len(losses)):
            losses.append(loss)
            if noted or time.monotonic() - kept_at > CHECKPOINT_SECONDS:
                tuner.save_checkpoint(checkpoint, losses)
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
