"""A reader under test: a valid input as a folder of files, and what reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reader:
    """`plant` writes a valid input into a folder. `read` reads it as the product does, and may write below its second argument only."""

    name: str
    inputs: int  # of 10,000
    plant: Callable[[Path], None]
    read: Callable[[Path, Path], object]
