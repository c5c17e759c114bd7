"""A map over all cores gives what `map` gives, and its processes end with the program that started it."""

import operator
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stages import _spread
from stages._spread import FEW, spread

ROOT = Path(__file__).parents[1]
MANY = list(range(1, FEW + 50))
SECONDS = 60
SLEEPERS = f"""
import os, sys, time
from pathlib import Path
from stages._spread import FEW, spread

def sleep(_):
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep({SECONDS})

if __name__ == "__main__":
    list(spread(sleep, range(FEW)))
"""


def here(_: int) -> int:
    return os.getpid()


def test_it_is_map_in_other_processes() -> None:
    assert list(spread(operator.sub, MANY, MANY[::-1])) == list(map(operator.sub, MANY, MANY[::-1]))
    assert os.getpid() not in set(spread(here, MANY))


@pytest.mark.parametrize(("many", "cores"), [(FEW - 1, 2), (len(MANY), 1)])
def test_few_calls_or_one_core_start_no_process(many: int, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_spread, "cpu_count", lambda: cores)
    assert set(spread(here, MANY[:many])) == {os.getpid()}


def test_an_error_travels() -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(operator.truediv, MANY, [*MANY[1:], 0]))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a program with what started it")
def test_a_killed_program_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "sleepers.py").write_text(SLEEPERS)
    (tmp_path / "pids").mkdir()
    command = [sys.executable, str(tmp_path / "sleepers.py"), str(tmp_path / "pids")]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}) as program:
        wait(lambda: any((tmp_path / "pids").iterdir()))
        program.kill()
    workers = [int(file.name) for file in (tmp_path / "pids").iterdir()]
    wait(lambda: not any(map(alive, workers)))


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody asked about has no command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS / 2
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)
