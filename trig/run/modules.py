"""What the fork server keeps loaded: the modules of programs that ran, and of the one that came next when these ran before."""

import importlib
import json
import os
import select
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import time_ns
from typing import NamedTuple

FILE = Path(os.environ.get("DVC_ROOT", "."), ".trig/programs.json")
"""What is remembered from one server to the next. Without it, or where it is damaged, `STUDY` is what is known."""
RUNS = 20
"""Servers after which all is forgotten and learnt anew: what a program no longer imports would be loaded for it forever."""
RECENT = 10**8
"""Nanoseconds: clocks of file systems are coarser than Python's."""


class Program(NamedTuple):
    """What is known of a program."""

    modules: list[str]  # that it imported, in the order of `loaded`; those it found loaded are of others
    following: str  # the program that came next, the last time that one did


UNKNOWN = Program([], "")
STUDY = {
    "stages.params": Program([], "stages.classify"),
    "stages.classify": Program(["trig.classify.relations", "trig.run.pool"], "stages.gate_relations"),
    "stages.gate_relations": Program(["trig.gates.relations", "trig.gates.gx"], "stages.report"),
    "stages.report": Program(["trig.report.publish", "altair", "vl_convert"], ""),
}
"""A study of thresholds: what one does in a clone of somebody's run, where nothing was learnt yet."""


class Modules:
    """Modules loaded in this process for the forks to come."""

    def __init__(self, owner: int) -> None:
        self._owner = owner  # a pidfd
        self._times = _times(time_ns())
        self._runs, self._programs = _remembered()
        self._before = ""
        self._there: frozenset[str] = frozenset()
        self._left: deque[str] = deque()

    def load_next(self, program: str, fork: int) -> None:
        """Called when a program runs in a fork: loads what the next one will need, as long as it runs."""
        self._there = frozenset(sys.modules)
        if self._before in self._programs:
            self._programs[self._before] = self._programs[self._before]._replace(following=program)
        self._before = program
        following = self._programs.get(program, UNKNOWN).following
        self._left = deque(self._programs.get(following, UNKNOWN).modules)
        end = os.pidfd_open(fork)
        self._guess([end])
        os.close(end)

    def load_left(self, request: int) -> None:
        """Called when it ended: goes on with that as long as nobody asks, while `dvc` looks at what is unchanged."""
        self._guess([request])

    def load_used(self, program: str, told: bytes) -> None:
        """Called when it ended: loads what it had loaded, by its own account, as long as there is an owner."""
        names, known = json.loads(told or "[]"), self._programs.get(program, UNKNOWN)
        new = [name for name in names if name not in self._there and name not in known.modules]
        self._programs[program] = known._replace(modules=_ours_first([*new, *known.modules]))
        self._write(self._programs)
        self._load(deque(names), [])

    def edited(self) -> bool:
        """Whether the file of a loaded module may not be the one that was loaded."""
        return any(_time(file) != time for file, time in self._times.items())

    def _guess(self, ends: list[int]) -> None:
        """One that ends this process is made once."""
        if self._left:
            known = self._programs.get(self._before, UNKNOWN)
            self._write(self._programs | {self._before: known._replace(following="")})
            self._load(self._left, ends)
            self._write(self._programs)

    def _load(self, names: deque[str], ends: list[int]) -> None:
        """Until one of these files, or the owner's, tells an end. What cannot be imported, the next fork will try itself."""
        began = time_ns()
        while names and not select.select([self._owner, *ends], [], [], 0)[0]:
            if (name := names.popleft()) not in sys.modules:
                with suppress(BaseException):  # whatever a module of a library raises, SystemExit too
                    importlib.import_module(name)
        self._times = _times(began) | self._times

    def _write(self, programs: Mapping[str, Program]) -> None:
        new = FILE.with_suffix(".new")
        with suppress(OSError):
            FILE.parent.mkdir(exist_ok=True)
            new.write_text(json.dumps([self._runs, programs]), "utf-8")
            new.replace(FILE)


def _remembered() -> tuple[int, dict[str, Program]]:
    """How many servers remembered, this one included, and what."""
    try:
        runs, said = json.loads(FILE.read_bytes())
        known = {program: Program([str(name) for name in modules], str(following)) for program, (modules, following) in said.items()}
        return (runs + 1, known) if 0 < runs < RUNS else (1, dict(STUDY))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return 1, dict(STUDY)


def loaded() -> list[str]:
    """Loaded modules: first ours, which know how a library is to be imported; then what is left of the libraries, the outermost first."""
    names = [name for name in _files() if name != "__main__"]
    own = [name for name in names if name.startswith("trig.")]
    return [*own, *reversed([name for name in names if name not in own])]


def _ours_first(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: not name.startswith("trig."))


def _times(began: int) -> dict[str, int | None]:
    """When the files of modules were written, in nanoseconds; None: after `began`, or so shortly before that nobody knows which was loaded."""
    times = {file: _time(file) for file in _files().values()}
    return {file: time if time < began - RECENT else None for file, time in times.items() if time is not None}


def _files() -> dict[str, str]:
    """Module and file, in the order in which their imports ended; a lazy stand-in has none."""
    found = {name: getattr(module, "__dict__", {}).get("__file__") for name, module in list(sys.modules.items())}
    return {name: file for name, file in found.items() if isinstance(file, str)}


def _time(file: str) -> int | None:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return None
