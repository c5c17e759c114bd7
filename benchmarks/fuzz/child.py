"""The process in which readers run: it answers a line of JSON for each input, and ends itself where one takes too long."""

import contextlib
import faulthandler
import importlib
import io
import json
import os
import resource
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from benchmarks.fuzz.guard import Guard, listing
from benchmarks.fuzz.reader import Reader
from trig.testing.programs import peak

HANG = 5.0
"""Seconds of one input that count as a hang."""
CEILING = 4 * 2**30
"""Bytes of data at which the system refuses more: the machine outlives what the bar of 2 GB catches."""
CAUGHT = 2_000
"""Characters of a traceback that are kept."""
TRACE = "trace"
"""File, among the temporary ones, that gets the stack of a hang."""


class Child:
    """Runs readers of a module's `READERS` in a box: `in` holds the input, `out` is where it may write, `tmp` is for temporary files."""

    def __init__(self, box: Path, module: str) -> None:
        self.box, self.guard = box, Guard()
        self.readers: dict[str, Reader] = {each.name: each for each in importlib.import_module(module).READERS}

    def plant(self, name: str, place: str) -> dict[str, Any]:
        """Write a valid input."""
        self.readers[name].plant(Path(place))
        return {"outcome": "read"}

    def warm(self, name: str, place: str) -> dict[str, Any]:
        """Read a valid input unwatched: the first one imports libraries, which takes seconds."""
        outcome, told = judged(self.readers[name], Path(place), self._empty("out"))
        return {"outcome": outcome, "told": told}

    def _empty(self, part: str) -> Path:
        shutil.rmtree(self.box / part, ignore_errors=True)
        (self.box / part).mkdir()
        return self.box / part

    def read(self, name: str, hang: float) -> dict[str, Any]:
        """Read the input in the box, in less than so many seconds."""
        self._empty("out")
        with (self._empty("tmp") / TRACE).open("w") as trace:
            return self._guarded(name, trace, hang)

    def _guarded(self, name: str, trace: TextIO, hang: float) -> dict[str, Any]:
        out, tmp, given = (self.box / part for part in ("out", "tmp", "in"))
        before = listing(self.box)
        faulthandler.dump_traceback_later(hang, exit=True, file=trace)
        began = time.monotonic()
        self.guard.watch(out, tmp)
        outcome, told = judged(self.readers[name], given, out)
        touched = self.guard.stop()
        seconds = time.monotonic() - began
        faulthandler.cancel_dump_traceback_later()
        after = listing(self.box)
        touched += [each for each in before.keys() | after.keys() if before.get(each) != after.get(each) and not _inside(each, out, tmp)]
        return {"outcome": "strays" if touched else outcome, "told": "; ".join(touched) or told, "seconds": seconds, "peak": peak()}


def _inside(path: str, *folders: Path) -> bool:
    return any(path == str(folder) or path.startswith(f"{folder}{os.sep}") for folder in folders)


def judged(reader: Reader, given: Path, out: Path) -> tuple[str, str]:
    """Outcome, and what was said: `read`, `refused` in one line with exit code 2, or what is a fault: `traceback`, `lines`, `code`."""
    from trig.run.edge import edge

    said, code = io.StringIO(), 0
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), edge():
            reader.read(given, out)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, it is a fault
        return "traceback", traceback.format_exc()[-CAUGHT:]
    if code == 0:
        return "read", ""
    line = said.getvalue()[said.getvalue().find("error: ") :]
    if code != 2:
        return "code", f"{code}: {line}"
    return ("refused" if len(line.splitlines()) == 1 else "lines"), line[:CAUGHT]


def main() -> None:
    """Answers orders from standard input: the seconds that count as a hang, `plant`, `warm` or `read`, a reader, and for the first two a folder."""
    box, module = Path(sys.argv[1]), sys.argv[2]
    answers = os.fdopen(os.dup(1), "w")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.environ["TMPDIR"], sys.dont_write_bytecode = str(box / "tmp"), True
    resource.setrlimit(resource.RLIMIT_DATA, (CEILING, CEILING))
    child = Child(box, module)
    for part in ("cwd", "tmp"):
        (box / part).mkdir(exist_ok=True)
    os.chdir(box / "cwd")
    for line in sys.stdin:
        hang, verb, name, *rest = json.loads(line)
        answer = child.read(name, hang) if verb == "read" else {"plant": child.plant, "warm": child.warm}[verb](name, *rest)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
