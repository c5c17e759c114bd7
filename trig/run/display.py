"""What a terminal, a pipe or a log shows: tables and progress bars."""

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

WIDE = 1_000
"""Columns of a table that goes to a file or a pipe: nothing in it is cut off."""


def console() -> Console:
    """Where commands draw tables: as wide as the terminal, else as wide as the table. Names are printed as they are, brackets too."""
    return Console(width=None if sys.stdout.isatty() else WIDE, markup=False, emoji=False, highlight=False)


def table(*heads: str, title: str | None = None, numbers: bool = False) -> Table:
    """A table whose cells a narrow terminal wraps and never cuts; with `numbers` all columns after the first stand to the right."""
    columns = [Column(head, overflow="fold", justify="right" if numbers and place else "left") for place, head in enumerate(heads)]
    return Table(*columns, title=title, box=None, pad_edge=False, show_header=any(heads))


def notes(about: str, lines: Iterable[str]) -> None:
    """What is worth knowing and stops nothing, a line each, on stderr."""
    for line in lines:
        print(f"{about}: {line}", file=sys.stderr)


def bar(title: str, steps: Iterator[tuple[int, int]]) -> None:
    """Shows (done, total) pairs as a progress bar with rate and time left; as a line every tenth part where there is no terminal."""
    console = Console(stderr=True)
    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None, rate="")
        said = -1
        for done, total in steps:
            speed = progress.tasks[0].speed
            progress.update(task, completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")
            if not console.is_terminal and total and done * 10 // total > said:
                said = done * 10 // total
                console.print(f"{title}: {done} of {total}")
