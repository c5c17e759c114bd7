"""Top-level error handling: one line and exit code 2 for a TrigError, a traceback for a bug."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from io import TextIOWrapper
from math import inf
from typing import Any

import typer

from trig.errors import PictureError, TableError, TrigError
from trig.run.parent import STAGE, die_with_parent


def run(main: Callable[..., None]) -> None:
    """Run a stage's main function as a command-line program."""

    @wraps(main)
    def edged(**arguments: Any) -> None:
        with edge(GOES_ON), _sound(sys.argv[1:]):  # inside the command: Typer would swallow KeyboardInterrupt
            main(**arguments)

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(edged)
    die_with_parent()
    app()


GOES_ON = "; the next run goes on from here"


@contextmanager
def edge(after_interrupt: str = "") -> Iterator[None]:
    """The one place that turns exceptions into messages and exit codes."""
    _say_anything()
    try:
        try:
            with stoppable(after_interrupt):
                yield
        finally:
            if sys.stdout:  # None if the shell closed it
                sys.stdout.flush()
    except TrigError as error:
        print(f"error: {_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:  # the reader closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes again at exit
        raise SystemExit(141) from None


def _line(error: TrigError) -> str:
    """The message on one line: what of file names, cells and answers would break it, or command the terminal, is escaped."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(error))


@contextmanager
def stoppable(after_interrupt: str = "") -> Iterator[None]:
    """Exit with one line and code 130 on KeyboardInterrupt."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"stopped{after_interrupt}", file=sys.stderr)
        raise SystemExit(130) from None


@contextmanager
def _sound(inputs: Sequence[str]) -> Iterator[None]:
    """Under DVC, damaged inputs are named before they are used; large ones where they cannot be read."""
    if STAGE not in os.environ:
        yield
        return
    from trig.run import sound  # lazy import: keeps `--help` fast

    sound.check(inputs)
    if told := sound.again():
        print(f"note: {told}", file=sys.stderr)
    try:
        yield
    except (PictureError, TableError):
        sound.check(inputs, inf)
        raise


def _say_anything() -> None:
    """Escape characters that a non-UTF-8 stream cannot encode, instead of raising UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
