"""A round: the project before a stage, a fault, and then a plain `dvc repro`, which must end as an undisturbed run did."""

import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos.advice import followed
from benchmarks.chaos.compare import differences
from benchmarks.chaos.programs import Ended, Program, UncleanError, dvc
from benchmarks.chaos.world import World
from trig.judge.cache import ANSWERS, UNPROVEN
from trig.store import Store

TAIL = 400
"""Characters that are shown of what a run said that failed where none should."""
REPEATED = 60
"""Most questions that a disturbed run asks twice: the batches in flight, and the canary questions of both runs."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. `stages`: kinds of stages that it befalls; none: all."""

    name: str
    befall: Callable[["Round"], None]
    stages: tuple[str, ...] = ()
    family: str = ""  # kinds that go through the stages together
    whole: bool = False  # whether the work store has all results of the stage
    missing: Callable[[], str | None] = lambda: None  # what this machine lacks for it


@dataclass(frozen=True, slots=True)
class Told:
    """How a round ended."""

    number: int
    kind: str
    stage: str
    seconds: float
    note: str  # what befell
    wrong: str | None  # None: a clean end
    missing: bool = False


class Round:
    """A project of its own; all that chance decides comes from `dice`."""

    def __init__(self, world: World, seed: int, number: int, kinds: Sequence[Kind]) -> None:
        self.world, self.number, self.dice = world, number, random.Random(f"{seed} {number}")
        able = [kind for kind in kinds if world.stages(*kind.stages)]
        order = random.Random(seed).sample(able, len(able))
        self.kind = order[number % len(order)]
        before = sum(_family(order[each % len(order)]) == _family(self.kind) for each in range(number))
        stages = random.Random(f"{seed} {_family(self.kind)}").sample(known := world.stages(*self.kind.stages), len(known))
        self.stage = stages[before % len(stages)]
        self.folder = world.home / "rounds" / str(number) / "project"
        self.note, self.settled = "", False
        self.work = 0

    def run(self, keep: bool = False) -> Told:
        """Begin, fault, end; the folder of a clean round goes."""
        began = time.monotonic()
        wrong = self.kind.missing()
        missing = wrong is not None
        if not missing:
            shutil.rmtree(self.folder.parent, ignore_errors=True)
            self.folder.mkdir(parents=True)
            try:
                self.kind.befall(self)
                if not self.settled:
                    self.finish()
            except UncleanError as error:
                wrong = str(error)
            if not (keep and wrong):
                shutil.rmtree(self.folder.parent)
        return Told(self.number, self.kind.name, self.stage, time.monotonic() - began, self.note, wrong, missing)

    def begin(self) -> None:
        """Fills the folder."""
        self.world.begin(self.folder, self.stage, not self.kind.whole)
        self.world.judge.begin()
        self.world.painter.begin()
        self.work = self._kept()

    def repro(self, *before: str) -> Program:
        """Starts `dvc repro`."""
        return dvc("repro", place=self.folder, before=before)

    def finish(self) -> None:
        """The plain `dvc repro`, after what `trig doctor` says to type where DVC's own files were cut off.

        Raises UncleanError where it fails, where results differ, or where finished work was done again.
        """
        if (ended := self.repro().end()).code:
            self.note += f", then {' '.join(ended.said[-TAIL:].split())}"
            self.note += f", then `{followed(self.folder)}`, as trig doctor says"
            ended = self.repro().end()
        if ended.code:
            raise UncleanError(f"the next dvc repro ended with {ended.code}:\n{ended.said[-3000:]}")
        self.compare()
        if not self.kind.whole and (again := self.world.asked + self.work - self._kept()) > REPEATED:
            raise UncleanError(f"{again} questions were asked twice")

    def compare(self) -> None:
        """Raises UncleanError where the results are not those of the undisturbed run."""
        if found := differences(self.folder, self.world.after):
            raise UncleanError(f"{len(found)} results differ: {'; '.join(found[:5])}")
        if left := [
            str(file.relative_to(self.folder)) for place in ("data", "reports", ".trig") for file in (self.folder / place).rglob("*.part")
        ]:
            raise UncleanError(f"left behind: {', '.join(left[:5])}")

    def failed(self, ended: Ended, *named: str) -> None:
        """A disturbed run that ended well, or with one line that names all of this."""
        self.note += f": {ended.complaint(*named)}" if ended.code else ": the run went on"

    def _kept(self) -> int:
        with Store.look(self.folder / ".trig" / "work") as store:
            held = store.size()
        return sum(held[shelf].rows for shelf in ("images", ANSWERS, UNPROVEN) if shelf in held)


def _family(kind: Kind) -> str:
    return kind.family or kind.name


def rounds(world: World, kinds: Sequence[Kind], seed: int, numbers: Sequence[int], seconds: float, keep: bool = False) -> Iterator[Told]:
    """Rounds one after another, while there is time."""
    due = time.monotonic() + seconds
    for number in numbers:
        if time.monotonic() > due:
            return
        yield Round(world, seed, number, kinds).run(keep)


def file_of(dice: random.Random, folder: Path, pattern: str) -> Path:
    """A file by chance."""
    return dice.choice(sorted(file for file in folder.rglob(pattern) if file.is_file()))
