"""Terminal output: tables, notes and progress bars."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from trig.run.gpus import watched

Item = TypeVar("Item")
WIDE = 1_000
"""Table width in characters without a terminal: no truncation."""


def console() -> Console:
    """Console for tables, as wide as the terminal, else WIDE. No markup: names print verbatim."""
    return Console(width=None if sys.stdout.isatty() else WIDE, markup=False, emoji=False, highlight=False)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None, numbers: bool = False) -> Table:
    """A table whose cells wrap and are never truncated; `numbers` right-aligns all columns after the first."""
    columns = [Column(head, overflow="fold", justify="right" if numbers and index else "left") for index, head in enumerate(heads)]
    drawn = Table(*columns, title=title, box=None, pad_edge=False, show_header=any(heads))
    for row in rows:
        drawn.add_row(*row)
    return drawn


def notes(about: str, lines: Iterable[str]) -> None:
    """Print warnings that stop nothing to stderr, one per line."""
    for line in lines:
        print(f"{about}: {line}", file=sys.stderr)


def bar(title: str, steps: Iterable[tuple[int, int]], unit: str = "") -> None:
    """Progress callback: consumes an iterator of (done, total) and shows rate, time left and GPU memory; without a terminal, a line per 10 %."""
    with _meter(title, unit) as show:
        for done, total in steps:
            show(done, total)


def tracked(title: str, items: Iterable[Item], total: int) -> Iterator[Item]:
    """The items, under a progress bar that counts them as they are taken."""
    with _meter(title) as show:
        show(0, total)
        for done, item in enumerate(items, 1):
            show(done, total)
            yield item


@contextmanager
def _meter(title: str, unit: str = "") -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    told, pace = TextColumn("{task.fields[told]}"), Pace(unit)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), told)
    with watched() as memory, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None, told="")
        said = -1

        def show(done: int, total: int) -> None:
            nonlocal said
            news = ", ".join(filter(None, (*pace.told(done, total), memory())))
            progress.update(task, completed=done, total=total, told=news)
            if not console.is_terminal and total and done * 10 // total > said:
                said = done * 10 // total
                console.print(f"{title}: {done} of {total}{news and f' ({news})'}", soft_wrap=True)

        yield show


class Pace:
    """Mean rate since the first step, whose count came from the cache, and the time that the rest takes at it."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.first: tuple[float, int] | None = None

    def told(self, done: int, total: int) -> list[str]:
        """Rate and time left, once they are known."""
        now = time.monotonic()
        since, begun = self.first = self.first or (now, done)
        if done == begun or now == since:
            return []
        rate = (done - begun) / (now - since)
        left = [f"{_span((total - done) / rate)} left"] if done < total else []
        speed = f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
        return [f"{speed}{self.unit and f' {self.unit}'}/s", *left]


def _span(seconds: float) -> str:
    """A time in its two largest units."""
    minutes, hours = seconds / 60, seconds / 3600
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if hours < 1 else f"{int(hours)} h {int(minutes) % 60} min"
