"""Files on disk: one walk for every folder that is read, and one way to write, which replaces and never writes into what is there."""

import os
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from stat import S_ISDIR, S_ISREG

from trig.errors import FileError


def walk(folder: Path, hidden: bool = False) -> list[Path]:
    """All files under a folder in the order of their names, those behind links to folders too; a link that leads back up is not entered.

    What begins with a dot, and what lies in a folder that does, is left out unless `hidden`: editors, browsers and other systems leave it there.
    A link to nothing is among the files, so that whoever reads it says so. A folder that several links lead to stands under each of them; links
    inside it are followed once, or folders that link to each other would be listed in every order. Raises FileError when a folder cannot be read.
    """
    return sorted(_below(folder, [], set(), hidden))


def _below(folder: Path, above: Sequence[os.stat_result], seen: set[tuple[int, int]], hidden: bool) -> Iterator[Path]:
    try:
        place = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise FileError(f"{folder}: this folder cannot be read ({error.strerror}); allow it, or name another") from None
    again = (place.st_dev, place.st_ino) in seen
    seen.add((place.st_dev, place.st_ino))
    for entry in entries:
        path = folder / entry.name
        if (entry.name.startswith(".") and not hidden) or (again and entry.is_symlink() and path.is_dir()):
            continue
        found = _found(path)
        if found is None or S_ISREG(found.st_mode):
            yield path
        elif S_ISDIR(found.st_mode) and not any(os.path.samestat(found, each) for each in (*above, place)):
            yield from _below(path, (*above, place), seen, hidden)


def _found(path: Path) -> os.stat_result | None:
    """What a path leads to; None where it leads to nothing, or to itself. No pipe or socket is read: that may never end."""
    try:
        return path.stat()
    except OSError:
        return None


RUST = "(os error "
"""How polars and safetensors name an error of the system, in errors of their own."""


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
    except Exception as error:
        if not isinstance(error, OSError) and RUST not in str(error):
            raise
        said = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise FileError(f"{path}: it cannot be written ({said}); mend that and run again") from None
    finally:
        with suppress(OSError):
            part.unlink()


def replace(path: Path, content: bytes) -> None:
    """Write a file anew, in one step."""
    with replacing(path) as part:
        part.write_bytes(content)


def clear(folder: Path, but: Container[str]) -> None:
    """Removes what lies in a folder, except these names. Raises FileError when the system does not let it be removed."""
    try:
        for path in folder.iterdir():
            if path.name not in but:
                rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        raise FileError(f"{folder}: it cannot be emptied ({error.strerror}); mend that and run again") from None
