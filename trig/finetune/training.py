"""Resumable adapter training, watched on its way."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import TypeAlias

import polars as pl

from trig.errors import ParamsError
from trig.files import replace
from trig.finetune.lessons import Lesson
from trig.finetune.watch import Watch
from trig.protocols.tuner import Tuner

CHECKPOINT_SECONDS = 10.0
"""Interval of time-based checkpoints."""
Show: TypeAlias = Callable[[str, Iterator[tuple[int, int]]], object]
"""Callback that consumes a progress iterator, given its title."""
LOSS, LOOKS, SAMPLES = ".tsv", "-looks.tsv", ".png"
"""What is written of a training, after its name: the loss of each step, what was seen at each look, and pictures of it."""


class Training:
    """A training under way: its state on disk, from which a killed one goes on to the same adapter."""

    def __init__(self, tuner: Tuner, lesson: Lesson, watch: Watch | None, checkpoints: Path, curves: Path) -> None:
        self.tuner, self.lesson, self.watch, self.curves = tuner, lesson, watch, curves
        self.key = tuner.key(lesson.lessons)
        self.checkpoint = checkpoints / f"{self.key}.safetensors"
        self.looks, self.good = (checkpoints / f"{self.key}.{name}" for name in ("looks.parquet", "good.safetensors"))
        self.losses: list[float] = []

    def begin(self) -> None:
        """Looks at the base; then goes on from the checkpoint, where there is one."""
        if self.watch and self.watch.due(0):
            self.watch.look(self.key, 0)
            if self.looks.is_file() and self.checkpoint.is_file() and not self.watch.restore(self.looks):
                self.checkpoint.unlink()
            if not self.checkpoint.is_file():
                self._keep_good()
        if self.checkpoint.is_file():
            self.losses = self.tuner.load_checkpoint(self.checkpoint)
        if self.watch:
            self.watch.forget(len(self.losses))

    def run(self) -> Iterator[tuple[int, int]]:
        """Progress (done, total). Checkpoints periodically and on SIGINT, between steps only: inside one the state is inconsistent."""
        total = self.lesson.settings.steps
        yield len(self.losses), total
        kept_at = time.monotonic()
        with _interrupts_noted() as noted:
            for loss in () if self._astray else self.tuner.steps(self.lesson.lessons, len(self.losses)):
                self.losses.append(loss)
                self._look()
                if noted or time.monotonic() - kept_at > CHECKPOINT_SECONDS:
                    self.save()
                    kept_at = time.monotonic()
                if noted:
                    raise KeyboardInterrupt
                yield len(self.losses), total
                if self._astray:
                    return

    def save(self) -> None:
        """Writes the checkpoint, and what there is to look at."""
        if self.watch and self.watch.looks:
            self.watch.keep(self.looks)
        self.tuner.save_checkpoint(self.checkpoint, self.losses)
        self.plot()

    def plot(self) -> None:
        """Writes the losses so far, and what was seen."""
        steps = pl.DataFrame({"step": range(1, len(self.losses) + 1), "loss": self.losses}, schema={"step": pl.Int64, "loss": pl.Float64})
        self._write(LOSS, steps.write_csv(separator="\t").encode())
        self._write(LOOKS, self.watch.table() if self.watch else b"")
        self._write(SAMPLES, self.watch.sheet() if self.watch else b"")

    def end(self) -> dict[str, object]:
        """Goes back to the last good look where the training went astray. Returns the card."""
        trained = len(self.losses)
        if self._astray:
            trained = len(self.tuner.load_checkpoint(self.good))
        return {
            **self.lesson.about(self.losses),
            "steps": trained,
            **({"stopped": f"{self._astray}; the adapter is that of step {trained}"} if self._astray else {}),
        }

    def clear(self) -> None:
        """Removes the state."""
        for file in (self.checkpoint, self.looks, self.good):
            file.unlink(missing_ok=True)

    @property
    def _astray(self) -> str | None:
        return self.watch.astray if self.watch else None

    def _look(self) -> None:
        step = len(self.losses)
        if self.watch and self.watch.due(step) and not self.watch.look(self.key, step).astray:
            self._keep_good()

    def _keep_good(self) -> None:
        self.tuner.save_checkpoint(self.good, self.losses)

    def _write(self, end: str, content: bytes) -> None:
        replace(self.curves.with_name(self.curves.name + end), content)


def teach(tuner: Tuner, lesson: Lesson, folder: Path, curves: Path, checkpoints: Path, show: Show, watch: Watch | None = None) -> None:
    """Trains the adapter, then replaces the folder with its weights and card. `curves`: beginning of the names of what is written to look at.

    Resumes from a checkpoint in `checkpoints`, to the same adapter as an uninterrupted run. On divergence the folder is kept and the
    checkpoint deleted. A training that goes astray ends, with the adapter of the last look before.
    """
    training = Training(tuner, lesson, watch, checkpoints, curves)
    training.begin()
    part = folder.with_name(f".{folder.name}.part")
    rmtree(part, ignore_errors=True)
    try:
        show("train", training.run())
        training.plot()
        tuner.save(part, training.end())
    except ParamsError:
        training.clear()
        raise
    rmtree(folder, ignore_errors=True)
    part.rename(folder)
    training.clear()


@contextmanager
def _interrupts_noted() -> Iterator[Sequence[int]]:
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
