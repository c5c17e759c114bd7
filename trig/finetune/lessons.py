"""What an adapter learns from: pictures made for the purpose, of which those good at both dimensions of a pair are kept."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Protocol, TypeAlias

import polars as pl

from trig.errors import ParamsError
from trig.finetune import select
from trig.params.finetune import Finetune
from trig.vocabulary.dimensions import Pair

Judged: TypeAlias = Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]
"""Makes pictures of prompts and judges them: the images table and the scores table."""
Sample: TypeAlias = tuple[str, bytes]
"""A prompt, and a PNG of it."""
CHECKPOINT_SECONDS = 10.0
"""Between two checkpoints of a training."""
Show: TypeAlias = Callable[[str, Iterator[tuple[int, int]]], object]
"""Goes through a titled piece of work, and may show how far it is."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """The candidates of a pair that pass."""

    base: str  # the model that made them
    pair: Pair
    samples: Sequence[Sample]
    settings: Finetune

    @property
    def enough(self) -> bool:
        """Whether they fill a batch."""
        return len(self.samples) >= self.settings.batch_size

    @property
    def summary(self) -> str:
        """How many pass, in one line."""
        said = f"{self.pair}: {len(self.samples)} of {self.settings.candidates} pictures pass"
        return said if self.enough else f"{said}, fewer than a batch of {self.settings.batch_size}"

    def about(self, losses: Sequence[float]) -> dict[str, object]:
        """What the report says of an adapter that learnt from these; `losses` are those of its steps."""
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


class Tuner(Protocol):
    """A model with an adapter that can be trained."""

    def key(self, samples: Sequence[Sample]) -> str:
        """The content key of everything that decides what a training on the samples gives."""
        ...

    def steps(self, samples: Sequence[Sample], done: int = 0) -> Iterator[float]:
        """Trains on the samples, after `done` steps; yields each step's loss."""
        ...

    def save_checkpoint(self, file: Path, losses: Sequence[float]) -> None:
        """Writes all that training needs to go on, and the losses so far."""
        ...

    def load_checkpoint(self, file: Path) -> list[float]:
        """Goes back to a checkpoint, and gives its losses."""
        ...

    def save(self, folder: Path, about: Mapping[str, object]) -> None:
        """Writes the adapter, and beside it a card with what it learnt from."""
        ...


def pairs(weakest: Path) -> list[Pair]:
    """The pairs in a file of data/weakest, the weakest first."""
    return [Pair.parse(pair) for pair in json.loads(weakest.read_text(encoding="utf-8"))["pairs"]]


def search(base: str, pairs: Sequence[Pair], prompts: pl.DataFrame, judged: Judged, settings: Finetune) -> Iterator[Lesson]:
    """Lessons of one pair after the other, up to the first with enough to learn from. Raises ParamsError when none has."""
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
    kept = select.keep(scores, asked, pair, settings)
    texts, shown = dict(asked.select("data_id", "prompt").iter_rows()), dict(images.select("data_id", "image").iter_rows())
    return Lesson(base, pair, [(texts[name], shown[name]["bytes"]) for name in sorted(kept)], settings)


def teach(tuner: Tuner, lesson: Lesson, folder: Path, checkpoints: Path, show: Show) -> None:
    """Trains the adapter and writes it to the folder, in place of what was there, with a card of what it learnt from.

    A training that was stopped goes on from its checkpoint, a file in `checkpoints`, and ends with the same adapter. One that diverges leaves
    what was there, and no checkpoint.
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
    """Steps that are done, and all. A checkpoint is written now and then, and when an interrupt comes: between two steps, for inside one what was
    learnt is half of each."""
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
    """Grows by an interrupt, which stops nothing; the next one does."""
    noted: list[int] = []

    def note(number: int, _: object) -> None:
        noted.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
