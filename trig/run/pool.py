"""A `map` over all cores, for arithmetic in many small steps that would wait for Python's lock in threads."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, TypeVar

from trig.errors import TrigError
from trig.memory import cores
from trig.run.display import bar

Found = TypeVar("Found")
FEW = 256
"""Calls that are not worth the second in which processes start."""
CHUNK = 16
"""Calls that travel together."""


def spread(call: Callable[..., Found], *columns: Sequence[Any]) -> list[Found]:
    """What `map` gives, in its order, from as many processes as there are cores, under a progress bar. Everything that travels must pickle."""
    total, found = len(columns[0]), []

    def steps() -> Iterator[tuple[int, int]]:
        yield 0, total
        for one in _calls(call, columns):
            found.append(one)
            yield len(found), total

    bar(call.__name__, steps())
    return found


def _calls(call: Callable[..., Found], columns: Sequence[Sequence[Any]]) -> Iterator[Found]:
    at_once = cores()
    if at_once == 1 or len(columns[0]) < FEW:
        yield from map(call, *columns)
        return
    with ProcessPoolExecutor(at_once, multiprocessing.get_context("spawn"), _begin) as pool:
        try:
            yield from pool.map(call, *columns, chunksize=CHUNK)
        except BrokenProcessPool:
            raise TrigError(
                f"{call.__name__}: one of {at_once} processes was killed, most likely for want of memory; free some and run again"
            ) from None


def _begin() -> None:
    """A worker leaves an interrupt to the program that started it, and ends with that program."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_leave_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _leave_with(program: BaseProcess) -> None:
    program.join()
    os._exit(1)
