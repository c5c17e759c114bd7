"""The edge all programs share: one line and exit code 2 for what a person can mend, a traceback for a bug."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from io import TextIOWrapper
from typing import Any

import typer

from trig.errors import TrigError

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


def _say_anything() -> None:
    """Lets output that is not UTF-8 say every letter, in its number where it must: a result shall not be lost to a dash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _die_with_parent() -> None:
    """Asks Linux to end this program when what started it is killed: `dvc` does not take its stage along."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
