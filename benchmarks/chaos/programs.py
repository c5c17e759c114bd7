"""DVC as a program that can be watched and killed, and what it said."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from trig.testing.programs import SETTINGS, UNSET, processes

LONGEST = 300.0
"""Seconds without a word after which a program hangs, on however busy a machine."""
ORPHANED = 20.0
"""Seconds of processor time in which a stage must end whose DVC was killed."""
TICKS = os.sysconf("SC_CLK_TCK")
"""Of processor time, in a second."""
BEGINS = re.compile(r"^Running stage '(.+)':", re.MULTILINE)
EACH = "ERROR: failed to transfer "
"""DVC says so of each file of a transfer, before its one line on the whole."""
TRACEBACK = "Traceback (most recent call last)"


class UncleanError(Exception):
    """What is wrong with a round."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that ended."""

    code: int
    said: str  # both streams
    begun: Mapping[str, float]  # stage → when it began
    at: float

    @property
    def ran(self) -> list[str]:
        """Stages that began."""
        return BEGINS.findall(self.said)

    def seconds(self) -> dict[str, float]:
        """How long each stage took, with what DVC did after it."""
        moments = [*self.begun.values(), self.at]
        return {name: end - start for name, start, end in zip(self.begun, moments, moments[1:], strict=False)}

    def lines(self) -> list[str]:
        """Its complaint: ours, where a stage failed; else DVC's."""
        lines = self.said.splitlines()
        theirs = [line for line in lines if line.startswith("ERROR: ") and not line.startswith(EACH)]
        return [line for line in lines if line.startswith("error: ")] or theirs

    def noticed(self) -> None:
        """Raises UncleanError where it ended well, or with a traceback."""
        if self.code == 0:
            raise UncleanError("the disturbed run did not notice: exit code 0")
        if TRACEBACK in self.said:
            raise UncleanError(f"a traceback:\n{self.said[-3000:]}")

    def complaint(self, *named: str) -> str:
        """The one line of a failed run. Raises UncleanError where there is none, or several, or a traceback, or it names not all of this."""
        self.noticed()
        lines = self.lines()
        if len(lines) != 1:
            raise UncleanError(f"{len(lines)} lines of complaint instead of one:\n{self.said[-3000:]}")
        if missing := [words for words in named if not re.search(words, lines[0], re.IGNORECASE)]:
            raise UncleanError(f"the complaint does not name {', '.join(missing)}: {lines[0]}")
        return lines[0]


class Program:
    """A running program, the leader of a session of its own."""

    running: ClassVar[list["Program"]] = []
    """Those that nobody has seen end."""

    def __init__(self, command: Sequence[str], place: Path, log: Path, more: Mapping[str, str]) -> None:
        own = environment(DVC_SITE_CACHE_DIR=str(log.parent / "site"), **more)
        self.log, self.begun = log, dict[str, float]()
        self.heard, self.words = time.monotonic(), 0  # when it last said something, and how much so far
        with log.open("wb") as out:
            self.process = subprocess.Popen(command, cwd=place, env=own, stdout=out, stderr=out, start_new_session=True)
        self.running.append(self)

    def until(self, stage: str) -> bool:
        """Waits until a stage begins; False where the program ends before."""
        while self._going():
            if stage in self.begun:
                return True
        return stage in self.begun

    def kill(self, who: str) -> None:
        """`kill -9` of the stage's process, of the fork that it waits for, of dvc, or of both."""
        mine = self.process.pid
        stages = [pid for pid, command in members(mine) if "-m stages." in command]
        servers = {pid for pid, command in members(mine) if "trig.run.forkserver" in command}
        forks = [pid for pid, parent, *_ in processes() if {pid, parent} <= servers]
        for pid in {"stage": stages, "fork": forks, "dvc": [mine], "both": []}[who]:
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(pid, signal.SIGKILL)
        if who == "both":
            with suppress(ProcessLookupError):
                os.killpg(mine, signal.SIGKILL)

    def end(self) -> Ended:
        """Waits for its end, and its children's. Raises UncleanError where it hangs."""
        while self._going():
            if time.monotonic() > self.heard + LONGEST:
                self.clear()
                self.process.wait()
                raise UncleanError(f"it hangs:\n{self.said()[-3000:]}")
        due, spent = time.monotonic() + LONGEST, _spent(self.process.pid)
        while left := list(members(self.process.pid)):
            if time.monotonic() > due or _spent(self.process.pid) > spent + ORPHANED:
                self.clear()
                raise UncleanError(f"it goes on after its parent died: {left}")
            time.sleep(0.02)
        self.running.remove(self)
        return Ended(self.process.returncode, self.said(), self.begun, time.monotonic())

    def clear(self) -> None:
        """`kill -9` of all that is left of it."""
        for pid, _ in members(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def said(self) -> str:
        """Its output so far."""
        return self.log.read_text("utf-8", "replace")

    def _going(self) -> bool:
        if len(said := self.said()) > self.words:
            self.heard, self.words = time.monotonic(), len(said)
        for name in BEGINS.findall(said):
            self.begun.setdefault(name, time.monotonic())
        if self.process.poll() is not None:
            return False
        time.sleep(0.01)
        return True


def dvc(*command: str, place: Path, before: Sequence[str] = (), **more: str) -> Program:
    """`dvc …` in a folder, at low priority; `before`: a program that starts it."""
    log = place.parent / f"{place.name}-{time.monotonic_ns()}.log"
    return Program([*before, "nice", sys.executable, "-m", "dvc", *command], place, log, more)


def environment(**more: str) -> dict[str, str]:
    """Environment variables of a program."""
    own = {name: value for name, value in os.environ.items() if name not in UNSET} | SETTINGS
    return own | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", **more}


def members(session: int) -> Iterator[tuple[int, str]]:
    """Live processes of a session, with their command lines."""
    for pid, _ in _live(session):
        with suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
            yield pid, Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")


def _spent(session: int) -> float:
    """Seconds of processor time of the live processes of a session."""
    return sum(seconds for _, seconds in _live(session))


def _live(session: int) -> Iterator[tuple[int, float]]:
    """Live processes of a session, with their seconds of processor time."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        if int(fields[3]) == session and fields[0] != "Z":
            yield int(place.name), (int(fields[11]) + int(fields[12])) / TICKS  # user and system time
