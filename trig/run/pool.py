"""Process pool, for CPU-bound work that the GIL would serialise in threads."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from trig.errors import TrigError
from trig.memory import cores
from trig.processes import begin
from trig.run.display import tracked
from trig.run.handover import blocked

Found = TypeVar("Found")
FEW = 256
"""Fewer calls run serially: to start processes takes about a second, unless they are forked."""
CHUNK = 16
"""Calls per task sent to a worker (chunksize)."""
THREADS = Path("/proc/self/task")


def spread(call: Callable[..., Found], *columns: Sequence[Any]) -> Iterator[Found]:
    """Parallel `map` over all cores, in order, with a progress bar. Arguments and results must pickle. Raises TrigError if a worker is killed."""
    return _spread(lambda: ProcessPoolExecutor(cores(), multiprocessing.get_context("spawn"), begin), call, *columns)


@contextmanager
def forked() -> Iterator[Callable[..., Iterator[Any]]]:
    """`spread`, by processes that are forked here and now: they need not load the libraries, which takes a second.

    Only where this process has no other thread, whose locks would stay locked in a fork: so for a stage that has just begun under `dvc`.
    Otherwise `spread` as it is.
    """
    if not _can_fork():
        yield spread
        return
    with _begun(_forks(cores()), int) as pool:
        yield partial(_spread, lambda: nullcontext(pool))


@contextmanager
def beside(first: Callable[[], object]) -> Iterator[Executor]:
    """One worker that begins with `first`: a process that is forked here and now, where `forked` has some, else a thread.

    For calls that hold the GIL for long. Arguments and results must pickle. Raises TrigError if it is killed.
    """
    with _begun(_forks(1) if _can_fork() else ThreadPoolExecutor(1), first) as worker, _told(first.__module__):
        yield worker


def _can_fork() -> bool:
    return cores() > 1 and alone()


def _forks(count: int) -> Executor:
    return ProcessPoolExecutor(count, multiprocessing.get_context("fork"), begin)


@contextmanager
def _begun(pool: Executor, first: Callable[[], object]) -> Iterator[Executor]:
    try:
        with blocked({signal.SIGINT}):  # between two forks it would leave a pool that nobody can end
            begun = pool.submit(first)  # the first call forks them all: that is Python's way for this kind of pool
        yield pool
        begun.result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool:
        raise TrigError(f"{what}: a process was killed, most likely for want of memory; free some and run again") from None


def alone() -> bool:
    """Whether this process has one thread, those of libraries counted. False where nobody can tell."""
    return THREADS.is_dir() and len([*THREADS.iterdir()]) == 1


def _spread(pool: Callable[[], AbstractContextManager[Executor]], call: Callable[..., Found], *columns: Sequence[Any]) -> Iterator[Found]:
    yield from tracked(call.__name__, _calls(pool, call, columns), len(columns[0]))


def _calls(
    pool: Callable[[], AbstractContextManager[Executor]], call: Callable[..., Found], columns: Sequence[Sequence[Any]]
) -> Iterator[Found]:
    if cores() == 1 or len(columns[0]) < FEW:
        yield from map(call, *columns)
        return
    with pool() as workers, _told(call.__name__):
        yield from workers.map(call, *columns, chunksize=CHUNK)
