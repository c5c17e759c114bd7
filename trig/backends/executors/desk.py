"""What a worker does: load a model once, then work on batches."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trig.errors import FileError, TrigError


@dataclass(frozen=True, slots=True)
class Facts:
    """What a loaded model says of itself."""

    revision: str
    engine: str
    dtype: str | None = None


class Tool(Protocol):
    """A loaded model."""

    facts: Facts

    def work(self, rows: Sequence[Any]) -> list[Any]:
        """A result per row."""
        ...


class Recipe(Protocol):
    """How to load a model; pickled to the workers."""

    def load(self) -> Tool:
        """Imports model libraries, and may take minutes."""
        ...


class Desk:
    """The one model of a worker process."""

    def __init__(self) -> None:
        self.tool: Tool | None = None

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of this class, or of the model. A TrigError is returned, as executors wrap what is raised."""
        try:
            return getattr(self if method == "open" else self.tool, method)(*arguments)
        except TrigError as error:
            return error

    def open(self, recipe: Recipe, place: str) -> Facts:
        """Load the model in the working directory of the program, from which paths count. Raises FileError where this machine lacks it."""
        try:
            os.chdir(place)
        except OSError as error:
            raise FileError(f"{place}: not on {os.uname().nodename} ({error.strerror}); put the project where every node sees it") from None
        self.tool = recipe.load()
        return self.tool.facts
