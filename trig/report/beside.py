"""Writes the report's lazily loaded assets."""

from collections.abc import Mapping
from pathlib import Path

from trig.files import clear, replace

FOLDER = "files"
ABOUT = "A large report keeps its samples and pictures here, beside index.html; those of a small one are inside the page.\n"


def lay(beside: Mapping[str, bytes], folder: Path) -> None:
    """Writes `files/`: the assets and a note about them; removes all else."""
    files = {"about.txt": ABOUT.encode(), **beside}
    for name, content in files.items():
        replace(folder / FOLDER / name, content)
    clear(folder / FOLDER, but=files)
