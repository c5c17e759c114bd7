"""Process pool: results equal those of `map`, and workers exit when the parent dies."""

import fcntl
import operator
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest
from lines import names

from benchmarks import clouds
from trig.classify.relations import relations
from trig.errors import TrigError
from trig.run import pool
from trig.run.pool import FEW, spread
from trig.store import Store
from trig.testing import factories

ROOT = Path(__file__).parents[1]
MANY = list(range(1, FEW + 50))
SECONDS = 60
SLEEPERS = f"""
import fcntl, os, sys, time
from pathlib import Path
from trig.run.pool import FEW, alone, forked, spread

def sleep(_):
    with Path(sys.argv[1], str(os.getpid())).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        time.sleep({SECONDS})

if __name__ == "__main__":
    if sys.argv[2] == "forked":
        assert alone()
        with forked() as each:
            list(each(sleep, range(FEW)))
    list(spread(sleep, range(FEW)))
"""
FORKED = """
import os, sys
from threading import Event, Thread
from trig.run.pool import FEW, forked

HERE = os.getpid()

def parent(_):
    return HERE

if __name__ == "__main__":
    end = Event()
    if sys.argv[1] == "two":
        Thread(target=end.wait).start()
    with forked() as each:
        found = list(each(parent, range(FEW)))
        assert list(each(abs, [-1] * FEW)) == [1] * FEW, "it serves twice"
        end.set()
    assert len(found) == FEW
    print(set(found) == {HERE})
"""
BESIDE = """
import os, sys
from threading import Event, Thread
from trig.run.pool import beside

end = Event()
if sys.argv[1] == "two":
    Thread(target=end.wait).start()
with beside(os.getpid) as worker:
    print(worker.submit(os.getpid).result() != os.getpid())
    end.set()
"""
KILLED = """
import os, signal
from trig.errors import TrigError
from trig.run.pool import beside

try:
    with beside(os.getcwd) as worker:
        os.kill(worker.submit(os.getpid).result(), signal.SIGKILL)
        worker.submit(os.getpid).result()
except TrigError as error:
    print(str(error).replace(os.getcwd.__module__, "os"))
"""
INTERRUPTED = """
import os, signal
from trig.run.pool import forked

fork, forks = os.fork, []

def interrupting():
    if child := fork():
        forks.append(child)
        if len(forks) == 2:
            os.kill(os.getpid(), signal.SIGINT)
    return child

signal.signal(signal.SIGINT, signal.default_int_handler)
os.fork = interrupting
with forked():
    pass
"""


def here(_: int) -> int:
    return os.getpid()


def test_it_is_map_in_other_processes() -> None:
    assert list(spread(operator.sub, MANY, MANY[::-1])) == list(map(operator.sub, MANY, MANY[::-1]))
    assert os.getpid() not in set(spread(here, MANY))


@pytest.mark.parametrize(("many", "cores"), [(FEW - 1, 2), (len(MANY), 1)])
def test_few_calls_or_one_core_start_no_process(many: int, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "cores", lambda: cores)
    assert set(spread(here, MANY[:many])) == {os.getpid()}


def test_an_error_travels() -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(operator.truediv, MANY, [*MANY[1:], 0]))


def test_a_killed_process_is_one_line() -> None:
    with pytest.raises(TrigError, match=names("killed", "memory")):
        list(spread(killed, MANY))


def killed(number: int) -> None:
    if number == MANY[-1]:
        os.kill(os.getpid(), signal.SIGKILL)


def test_evidence_is_the_same_from_several_processes() -> None:
    scores, thresholds = clouds.many(clouds.uniform, FEW, 20, 1), factories.thresholds(bootstraps=20, permutations=20)
    with Store.passing() as store:
        for _ in range(2):  # the second time from the store
            assert relations(scores, thresholds, each=spread, store=store).equals(relations(scores, thresholds))


def test_resamples_are_kept_as_they_come() -> None:
    """An interrupted run resumes."""
    scores, thresholds = clouds.many(clouds.uniform, 200, 20, 1), factories.thresholds(bootstraps=20, permutations=20)

    def stopped(call: Callable[..., object], *columns: Sequence[object]) -> Iterator[object]:
        yield from islice(spread(call, *columns), 150)
        raise KeyboardInterrupt

    with Store.passing() as store:
        with pytest.raises(KeyboardInterrupt):
            relations(scores, thresholds, each=stopped, store=store)
        assert [shelf.rows for shelf in store.size().values()] == [150]


@pytest.mark.parametrize(("threads", "inherited"), [("one", True), ("two", False)])
def test_a_program_with_one_thread_forks_its_processes(threads: str, inherited: bool, tmp_path: Path) -> None:
    """A lock of another thread would stay locked for good."""
    for name, code in (("forks.py", FORKED), ("beside.py", BESIDE)):
        (tmp_path / name).write_text(code)
        command = [sys.executable, str(tmp_path / name), threads]
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
        assert done.stdout == f"{inherited}\n", name


def test_a_killed_process_beside_is_one_line() -> None:
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=SECONDS, check=True)
    assert done.stdout == "os: a process was killed, most likely for want of memory; free some and run again\n"


def test_an_interrupt_while_it_forks_leaves_nothing_that_nobody_can_end() -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == -signal.SIGINT, done.stderr


@pytest.mark.parametrize("way", ["spread", "forked"])
def test_a_killed_program_leaves_no_process(way: str, tmp_path: Path) -> None:
    (tmp_path / "sleepers.py").write_text(SLEEPERS)
    (tmp_path / "locks").mkdir()
    command = [sys.executable, str(tmp_path / "sleepers.py"), str(tmp_path / "locks"), way]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}) as program:
        wait(lambda: any(map(held, (tmp_path / "locks").iterdir())))
        program.kill()
    wait(lambda: not any(map(held, (tmp_path / "locks").iterdir())))


def held(file: Path) -> bool:
    """Whether the process that locked the file is alive."""
    with file.open() as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS / 2
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)
