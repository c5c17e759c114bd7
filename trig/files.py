"""Files on disk: a deterministic directory walk, and atomic writes (write-then-rename)."""

import os
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from stat import S_ISDIR, S_ISREG

from trig.errors import FileError


def walk(folder: Path, hidden: bool = False) -> list[Path]:
    """All files under a folder, sorted by path, following symlinks without cycles. Raises FileError when a folder cannot be read.

    Hidden files and folders are skipped unless `hidden`. Dangling links are listed, so that their reader reports them. A folder with several links
    is listed under each; links inside it are followed once, as mutual links would be listed in every order.
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
    """stat of a link's target; None for a dangling or looping link. Pipes and sockets are never opened: reading may block."""
    try:
        return path.stat()
    except OSError:
        return None


RUST = "(os error "
"""Mark of an OS error that polars or safetensors raise as an error of their own."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write-then-rename: yields a temporary file beside `path`; `path` is replaced whole or not at all; DVC's hard links stay intact. Raises FileError."""
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
    """Write a file atomically."""
    with replacing(path) as part:
        part.write_bytes(content)


def clear(folder: Path, but: Container[str]) -> None:
    """Empty a folder, except for these names. Raises FileError."""
    try:
        for path in folder.iterdir():
            if path.name not in but:
                rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        raise FileError(f"{folder}: it cannot be emptied ({error.strerror}); mend that and run again") from None
