"""Terminal output: tables, notes and progress bars."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

Item = TypeVar("Item")
WIDE = 1_000
"""Table width in characters without a terminal: no truncation."""


def console() -> Console:
    """Console for tables, as wide as the terminal, else WIDE. No markup: names print verbatim."""
    return Console(width=None if sys.stdout.isatty() else WIDE, markup=False, emoji=False, highlight=False)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None, numbers: bool = False) -> Table:
    """A table whose cells wrap and are never truncated; `numbers` right-aligns all columns after the first."""
    columns = [Column(head, overflow="fold", justify="right" if numbers and place else "left") for place, head in enumerate(heads)]
    drawn = Table(*columns, title=title, box=None, pad_edge=False, show_header=any(heads))
    for row in rows:
        drawn.add_row(*row)
    return drawn


def notes(about: str, lines: Iterable[str]) -> None:
    """Print warnings that stop nothing to stderr, one per line."""
    for line in lines:
        print(f"{about}: {line}", file=sys.stderr)


def bar(title: str, steps: Iterable[tuple[int, int]]) -> None:
    """Progress callback: consumes an iterator of (done, total) and shows rate and ETA; without a terminal, a line per 10 %."""
    with _meter(title) as show:
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
def _meter(title: str) -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None, rate="")
        said = -1

        def show(done: int, total: int) -> None:
            nonlocal said
            speed = progress.tasks[0].speed
            progress.update(task, completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")
            if not console.is_terminal and total and done * 10 // total > said:
                said = done * 10 // total
                console.print(f"{title}: {done} of {total}")

        yield show
