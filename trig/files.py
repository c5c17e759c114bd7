"""Files on disk: one walk for every folder that is read, and one way to write, which replaces and never writes into what is there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trig.errors import FileError


def walk(folder: Path, hidden: bool = False) -> list[Path]:
    """All files under a folder in the order of their names, those behind links to folders too; a link that leads back up is not entered.

    What begins with a dot, and what lies in a folder that does, is left out unless `hidden`: editors, browsers and other systems leave it there.
    A link to nothing is among the files, so that whoever reads it says so. Raises FileError when a folder cannot be read.
    """
    return sorted(_below(folder, frozenset(), hidden))


def _below(folder: Path, above: frozenset[tuple[int, int]], hidden: bool) -> Iterator[Path]:
    try:
        place = folder.stat()
        entries = list(os.scandir(folder))
    except OSError as error:
        raise FileError(f"{folder}: this folder cannot be read ({error.strerror}); allow it, or name another") from None
    inside = above | {(place.st_dev, place.st_ino)}
    for entry in entries:
        if entry.name.startswith(".") and not hidden:
            continue
        path = folder / entry.name
        if entry.is_dir():
            found = entry.stat()
            if (found.st_dev, found.st_ino) not in inside:
                yield from _below(path, inside, hidden)
        elif entry.is_file() or not path.exists():  # no pipe or socket: reading one may never end
            yield path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside `path`, to be written inside; afterwards it stands in the place of what was there, whole, or not at all.

    What lies there may be a hard link into DVC's cache: written into, it would change what the cache holds. Raises FileError when the system
    does not let it be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise FileError(f"{path}: it cannot be written ({error.strerror or str(error).splitlines()[0]}); mend that and run again") from None
    finally:
        with suppress(OSError):
            part.unlink()


def replace(path: Path, content: bytes) -> None:
    """Write a file anew, in one step."""
    with replacing(path) as part:
        part.write_bytes(content)
