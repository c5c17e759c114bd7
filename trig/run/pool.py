"""Process pool, for CPU-bound work that the GIL would serialise in threads."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from trig.errors import TrigError
from trig.memory import cores
from trig.processes import begin
from trig.run.display import tracked

Found = TypeVar("Found")
FEW = 256
"""Fewer calls run serially: starting processes takes about a second."""
CHUNK = 16
"""Calls per task sent to a worker (chunksize)."""


def spread(call: Callable[..., Found], *columns: Sequence[Any]) -> Iterator[Found]:
    """Parallel `map` over all cores, in order, with a progress bar. Arguments and results must pickle. Raises TrigError if a worker is killed."""
    yield from tracked(call.__name__, _calls(call, columns), len(columns[0]))


def _calls(call: Callable[..., Found], columns: Sequence[Sequence[Any]]) -> Iterator[Found]:
    at_once = cores()
    if at_once == 1 or len(columns[0]) < FEW:
        yield from map(call, *columns)
        return
    with ProcessPoolExecutor(at_once, multiprocessing.get_context("spawn"), begin) as pool:
        try:
            yield from pool.map(call, *columns, chunksize=CHUNK)
        except BrokenProcessPool:
            raise TrigError(
                f"{call.__name__}: one of {at_once} processes was killed, most likely for want of memory; free some and run again"
            ) from None
