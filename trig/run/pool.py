"""Process pool, for CPU-bound work that the GIL would serialise in threads."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
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
    if cores() == 1 or not alone():
        yield spread
        return
    pool = ProcessPoolExecutor(cores(), multiprocessing.get_context("fork"), begin)
    try:
        with blocked({signal.SIGINT}):  # between two forks it would leave a pool that nobody can end
            pool.submit(int)  # the first call forks them all: that is Python's way for this kind of pool
        yield partial(_spread, lambda: nullcontext(pool))
    finally:
        pool.shutdown(cancel_futures=True)


def alone() -> bool:
    """Whether this process has one thread, those of libraries counted. False where nobody can tell."""
    return THREADS.is_dir() and len([*THREADS.iterdir()]) == 1


def _spread(pool: Callable[[], AbstractContextManager[Executor]], call: Callable[..., Found], *columns: Sequence[Any]) -> Iterator[Found]:
    yield from tracked(call.__name__, _calls(pool, call, columns), len(columns[0]))


def _calls(
    pool: Callable[[], AbstractContextManager[Executor]], call: Callable[..., Found], columns: Sequence[Sequence[Any]]
) -> Iterator[Found]:
    at_once = cores()
    if at_once == 1 or len(columns[0]) < FEW:
        yield from map(call, *columns)
        return
    with pool() as workers:
        try:
            yield from workers.map(call, *columns, chunksize=CHUNK)
        except BrokenProcessPool:
            raise TrigError(
                f"{call.__name__}: one of {at_once} processes was killed, most likely for want of memory; free some and run again"
            ) from None
