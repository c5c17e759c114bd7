"""The edge all programs share: one line and exit code 2 for what a person can mend, a traceback for a bug."""

import ctypes
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

from trig.errors import FileError, TrigError

_PR_SET_PDEATHSIG = 1


def run(main: Callable[..., None]) -> None:
    """Runs a stage's main function on the command line's arguments."""

    @wraps(main)
    def edged(**arguments: Any) -> None:
        with edge(GOES_ON):  # inside: Typer would take an interrupt for its own and say nothing
            main(**arguments)

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(edged)
    _die_with_parent()
    app()


GOES_ON = "; the next run goes on from here"


@contextmanager
def edge(after_interrupt: str = "") -> Iterator[None]:
    """The one place where errors become lines."""
    _say_anything()
    try:
        try:
            with stoppable(after_interrupt):
                yield
        finally:
            if sys.stdout:  # there is none where a shell closed it
                sys.stdout.flush()
    except TrigError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
        raise SystemExit(141) from None


@contextmanager
def stoppable(after_interrupt: str = "") -> Iterator[None]:
    """Ends an interrupt with a line."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"stopped{after_interrupt}", file=sys.stderr)
        raise SystemExit(130) from None


WIDE = 1_000
"""Columns of a table that goes to a file or a pipe: nothing in it is cut off."""


def console() -> Console:
    """Where commands draw tables: as wide as the terminal, else as wide as the table. Names are printed as they are, brackets too."""
    return Console(width=None if sys.stdout.isatty() else WIDE, markup=False, emoji=False, highlight=False)


def table(*heads: str, title: str | None = None, numbers: bool = False) -> Table:
    """A table whose cells a narrow terminal wraps and never cuts; with `numbers` all columns after the first stand to the right."""
    columns = [Column(head, overflow="fold", justify="right" if numbers and place else "left") for place, head in enumerate(heads)]
    return Table(*columns, title=title, box=None, pad_edge=False, show_header=any(heads))


def _say_anything() -> None:
    """Lets output that is not UTF-8 say every letter, in its number where it must: a result shall not be lost to a dash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _die_with_parent() -> None:
    """Asks Linux to end this program when what started it is killed: `dvc` does not take its stage along."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def only_one(name: str, folder: Path) -> Iterator[None]:
    """Holds a stage's lock. A second run of the same stage ends with one line instead of doing the work twice."""
    lock = folder / f"{name}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        opened = lock.open("w")
    except OSError as error:
        raise FileError(f"{lock}: it cannot be written ({error.strerror}); allow it, or run where DVC_ROOT is a folder of yours") from None
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrigError(f"{name}: another run of this stage is at work; wait for it or stop it") from None
        yield


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
