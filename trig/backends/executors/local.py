"""Runs a generator in this process."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from trig.backends.executors.patient import Patient
from trig.protocols.generator import Generator, Order, Picture
from trig.protocols.refusal import Refusal


class Local:
    """One batch at a time, in a thread: the next is painted while the caller stores the last. Satisfies `Executor`."""

    def __init__(self, generator: Generator) -> None:
        self.work = Patient(generator.generate)

    def paint(self, batches: Iterable[Sequence[Order]]) -> Iterator[tuple[int, list[Picture | Refusal]]]:
        """In order."""
        coming = iter(batches)
        with ThreadPoolExecutor(1) as beside:
            ahead = beside.submit(self._next, coming)
            number = 0
            while (made := ahead.result()) is not None:
                ahead = beside.submit(self._next, coming)
                yield number, made
                number += 1

    def _next(self, coming: Iterator[Sequence[Order]]) -> list[Picture | Refusal] | None:
        batch = next(coming, None)
        return None if batch is None else self.work(batch)
