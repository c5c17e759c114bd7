"""The fuzz harness: a few hundred broken inputs over all readers, and planted bugs that it must catch."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest

from benchmarks.fuzz import structured
from benchmarks.fuzz.reader import Reader
from benchmarks.fuzz.readers import READERS as ALL
from benchmarks.fuzz.run import SOUND, Fuzzer, Worker, working
from benchmarks.fuzz.structured import Edit
from trig.errors import TableError

HEAVY = {"pipeline", "adapter", "judge", "bombs"}
"""Readers that import model libraries, or decode as much as may be, which takes as long as all the others together; `make fuzz` has them."""
LIGHT = [each for each in ALL if each.name not in HEAVY]
EACH = 5
PATIENCE = 60.0
"""Seconds of a planted reader that does not hang: more than a loaded machine keeps one waiting."""


def _plant(place: Path) -> None:
    (place / "a.json").write_text('{"name": "a", "size": [1, 2]}', "utf-8")


def _parsed(given: Path) -> dict[str, object]:
    try:
        found = json.loads((given / "a.json").read_text("utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise TableError(f"a.json: {type(error).__name__}; write it anew") from None
    if not isinstance(found, dict):
        raise TableError("a.json: no object; write one")
    return found


def _sound(given: Path, out: Path) -> None:
    (out / "made.txt").write_text(str(_parsed(given)), "utf-8")


def _bug(given: Path, _: Path) -> None:
    _parsed(given)["size"]


def _hang(given: Path, _: Path) -> None:
    if "size" not in _parsed(given):
        sleep(2 * PATIENCE)


def _stray(given: Path, _: Path) -> None:
    if "size" not in _parsed(given):
        (given.parent / "cwd" / "stray.txt").write_text("x", "utf-8")


def _program(given: Path, _: Path) -> None:
    if "size" not in _parsed(given):
        os.system("true")


def _two_lines(given: Path, _: Path) -> None:
    if "size" not in _parsed(given):
        print("error: one\nand another", file=sys.stderr)
        raise SystemExit(2)


READERS = tuple(Reader(read.__name__, 1, _plant, read) for read in (_sound, _bug, _hang, _stray, _program, _two_lines))
CAUGHT = {"_sound": None, "_bug": "traceback", "_stray": "strays", "_program": "strays", "_two_lines": "lines"}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with working() as started:
        yield started


@pytest.fixture(scope="module")
def planted() -> Iterator[Worker]:
    with working("tests.test_fuzz", hang=PATIENCE) as started:
        yield started


@pytest.mark.parametrize("reader", LIGHT, ids=lambda reader: reader.name)
def test_a_broken_input_is_read_or_refused_in_one_line(reader: Reader, worker: Worker, tmp_path: Path) -> None:
    tally = Fuzzer(reader, worker, tmp_path).run(EACH, 7)
    assert (tally.faults, tally.inputs) == ([], EACH)


@pytest.mark.parametrize(("name", "caught"), CAUGHT.items())
def test_a_planted_bug_is_caught_and_its_input_replays_it(name: str, caught: str | None, planted: Worker, tmp_path: Path) -> None:
    (reader,) = (each for each in READERS if each.name == name)
    fuzzer = Fuzzer(reader, planted, tmp_path)
    tally = fuzzer.run(60, 1)
    assert set(tally.outcomes) - SOUND == ({caught} if caught else set())
    assert tally.inputs == 60 and bool(tally.outcomes["refused"])
    if caught:
        assert f"python -m benchmarks.fuzz --replay {tmp_path / name}" in tally.faults[0]
        (kept, *_) = (tmp_path / name).iterdir()
        fuzzer.put({Path("a.json"): (kept / "a.json").read_bytes()})
        assert planted.ask("read", name)["outcome"] == caught


def test_a_hang_is_caught_with_its_stack_and_the_next_input_is_read(planted: Worker, tmp_path: Path) -> None:
    (reader,) = (each for each in READERS if each.name == "_hang")
    fuzzer = Fuzzer(reader, planted, tmp_path)
    fuzzer.put({Path("a.json"): b"{}"})
    planted.hang = 1.5
    found = planted.ask("read", "_hang")
    assert found["outcome"] == "hang" and "_hang" in found["told"]
    planted.hang = PATIENCE
    fuzzer.put({})
    assert planted.ask("read", "_hang")["outcome"] == "read"


def test_the_shares_of_all_readers_are_ten_thousand_and_the_same_seed_breaks_the_same_way() -> None:
    assert sum(each.inputs for each in ALL) >= 10_000
    edits = [Edit("drop", 0.0, None), Edit("replace", 0.9, float("nan"))]
    assert structured.of_json(b'{"a": 1, "b": [2, 3]}', edits) == b'{"b": [2, NaN]}'
