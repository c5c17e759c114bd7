"""Runs readers on broken inputs, and keeps what they fail on."""

import csv
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Self

import polars as pl
from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from ruamel.yaml.error import YAMLError

from benchmarks.fuzz import bytewise
from benchmarks.fuzz.binary import KINDS
from benchmarks.fuzz.child import HANG, TRACE
from benchmarks.fuzz.reader import Reader
from benchmarks.fuzz.structured import EDITS, SHARE, Edit
from trig.testing.programs import ROOT

KEPT = ROOT / ".fuzz"
"""Inputs that a reader failed on; not in git."""
MOST_MEMORY = 2 * 2**30
SOUND = {"read", "refused"}
ALIEN = 0.03
"""Share of byte-level inputs in which a file is none: missing, a folder, a link."""
MODULE = "benchmarks.fuzz.readers"
UNWRITABLE = (ValueError, TypeError, OverflowError, RecursionError, KeyError, csv.Error, pl.exceptions.PolarsError, YAMLError)
"""What the writer of a format raises for a content that the format cannot hold."""


@dataclass(slots=True)
class Tally:
    """What became of a reader's inputs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    peak: int = 0
    faults: list[str] = field(default_factory=list)  # each with the command that replays it

    @property
    def inputs(self) -> int:
        return sum(self.outcomes.values())


class Worker:
    """A child process that reads; started anew after it died."""

    def __init__(self, box: Path, module: str = MODULE, hang: float = HANG) -> None:
        self.box, self.module, self.hang = box, module, hang
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask(self, *order: str) -> dict[str, Any]:
        """The child's answer; of one that died how it did."""
        if not self.alive:
            command = [sys.executable, "-m", "benchmarks.fuzz.child", str(self.box), self.module]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
            )
        assert self.process and self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps((self.hang, *order)) + "\n")
        self.process.stdin.flush()
        if line := self.process.stdout.readline():
            return dict(json.loads(line))
        code = self.process.wait()
        self.__exit__()
        trace = self.box / "tmp" / TRACE
        stack = trace.read_text("utf-8", "replace") if trace.exists() else ""
        return {
            "outcome": "hang" if "Timeout" in stack else "death",
            "told": f"exit code {code}\n{stack[-2000:]}",
            "seconds": self.hang,
            "peak": 0,
        }


class Fuzzer:
    """One reader, its valid input, and a worker."""

    def __init__(self, reader: Reader, worker: Worker, kept: Path = KEPT) -> None:
        self.reader, self.worker, self.kept, self.tally = reader, worker, kept, Tally()
        self.seeds, self.given = worker.box / "seeds" / reader.name, worker.box / "in"
        if not self.seeds.exists():
            self.seeds.mkdir(parents=True)
            planted = worker.ask("plant", reader.name, str(self.seeds))
            assert planted["outcome"] == "read", planted
        self.files = sorted(file.relative_to(self.seeds) for file in self.seeds.rglob("*") if file.is_file())
        self.contents = {file: (self.seeds / file).read_bytes() for file in self.files}
        self.put({})
        self._warm()
        whole = worker.ask("read", reader.name)
        assert whole["outcome"] == "read", f"{reader.name}: its valid input: {whole}"

    def _warm(self) -> None:
        warm = self.worker.ask("warm", self.reader.name, str(self.seeds))
        assert warm["outcome"] == "read", f"{self.reader.name}: its valid input: {warm}"

    def run(self, inputs: int, start: int) -> Tally:
        """Read so many broken inputs: half of them broken by bytes, half by structure where a file has one that is known here."""
        typed = [file for file in self.files if file.suffix in KINDS]
        if typed and inputs > 1:
            self._structure(inputs // 2, start, typed)
        for number in range(inputs - self.tally.inputs):
            self._bytes(Random(f"{start} {self.reader.name} {number}"))
        return self.tally

    def _bytes(self, draw: Random) -> None:
        file = draw.choice(self.files)
        if draw.random() < ALIEN:
            self.put({})
            bytewise.no_file(self.given / file, draw)
        else:
            self.put({file: bytewise.broken(self.contents[file], draw, list(self.contents.values()))})
        self._read()

    def _structure(self, inputs: int, start: int, typed: Sequence[Path]) -> None:
        def one(place: float, edits: list[Edit]) -> None:
            if self.tally.inputs < inputs:
                file = typed[int(place * len(typed))]
                try:
                    changed = KINDS[file.suffix](self.contents[file], edits)
                except UNWRITABLE:
                    reject()
                self.put({file: changed})
                self._read()

        quiet = settings(
            max_examples=inputs,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        tested: Callable[[], None] = seed(f"{start} {self.reader.name}")(quiet(given(SHARE, EDITS)(one)))
        tested()

    def put(self, changed: dict[Path, bytes]) -> None:
        """The valid input in the box, with some files changed."""
        shutil.rmtree(self.given, ignore_errors=True)
        for file in self.files:
            (self.given / file).parent.mkdir(parents=True, exist_ok=True)
            (self.given / file).write_bytes(changed.get(file, self.contents[file]))

    def _read(self) -> None:
        if not self.worker.alive:
            self._warm()
        found = self.worker.ask("read", self.reader.name)
        outcome = found["outcome"]
        if outcome in SOUND and found["peak"] > MOST_MEMORY:
            outcome, found["told"] = "memory", f"{found['peak'] / 2**30:.1f} GB"
            self.worker.__exit__()  # the peak of a process never falls
        self.tally.outcomes[outcome] += 1
        self.tally.slowest, self.tally.peak = max(self.tally.slowest, found["seconds"]), max(self.tally.peak, found["peak"])
        if outcome not in SOUND:
            self.tally.faults.append(f"{self.reader.name}: {outcome}: {self._keep(found['told'])}\n{found['told']}")

    def _keep(self, told: str) -> str:
        """Keep an input; the command that replays it."""
        name = blake2b(told.encode("utf-8", "replace"), digest_size=4).hexdigest()
        place = self.kept / self.reader.name / name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.given, place, symlinks=True)
        return f"python -m benchmarks.fuzz --replay {place}"


@contextmanager
def working(module: str = MODULE, hang: float = HANG) -> Iterator[Worker]:
    """A worker in a temporary box."""
    with TemporaryDirectory(prefix="trig-fuzz-") as box, Worker(Path(box).resolve(), module, hang) as worker:
        yield worker


def fuzzed(reader: Reader, inputs: int, start: int, kept: Path = KEPT) -> Tally:
    """What becomes of broken inputs of a reader, each run in a fresh child."""
    with working() as worker:
        return Fuzzer(reader, worker, kept).run(inputs, start)


def line(name: str, tally: Tally) -> str:
    """Figures of a reader."""
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(tally.outcomes.items()))
    return f"{name:16} {tally.inputs:6} inputs: {told}; slowest {tally.slowest:.2f} s, peak {tally.peak / 2**20:.0f} MB"
