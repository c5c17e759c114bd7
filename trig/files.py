"""Files on disk: a deterministic directory walk, and atomic writes of files and folders (write-then-rename)."""

import ctypes
import os
from collections.abc import Callable, Container, Iterator, Sequence
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


AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Arguments of Linux's renameat2: paths as they are, and both names change places."""
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


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """A new folder that is there whole or not at all. Raises FileError where one with files is there already."""
    with _beside(folder, _put) as part:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FileError(f"{folder.absolute()}: something is there already; name another folder, or remove it")
        yield part


@contextmanager
def rebuilding(folder: Path) -> Iterator[Path]:
    """A folder in place of what is there: killed at any moment, the old one is whole or the new one is; DVC's hard links stay intact. Raises FileError."""
    with _beside(folder, _exchange) as part:
        yield part


@contextmanager
def _beside(folder: Path, settle: Callable[[Path, Path], object]) -> Iterator[Path]:
    """A temporary folder that `settle` moves to its place; what it leaves behind is removed. A link to a folder stays a link."""
    folder = folder.resolve()
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        yield part
        settle(part, folder)
    except OSError as error:
        raise FileError(f"{folder}: it cannot be written ({error.strerror}); mend that and run again") from None
    finally:
        rmtree(part, ignore_errors=True)


def _put(part: Path, folder: Path) -> None:
    if folder.is_dir():
        folder.rmdir()
    part.replace(folder)


def _exchange(part: Path, folder: Path) -> None:
    """Swap two folders in one step; in two renames where the system or the file system has no such call."""
    if not folder.exists():
        part.replace(folder)
        return
    swap = getattr(ctypes.CDLL(None), "renameat2", None)
    if swap is None or swap(AT_FDCWD, os.fsencode(part), AT_FDCWD, os.fsencode(folder), RENAME_EXCHANGE):
        old = part.with_suffix(".old")
        folder.replace(old)
        part.replace(folder)
        rmtree(old)


def clear(folder: Path, but: Container[str]) -> None:
    """Empty a folder, except for these names. Raises FileError."""
    try:
        for path in folder.iterdir():
            if path.name not in but:
                rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        raise FileError(f"{folder}: it cannot be emptied ({error.strerror}); mend that and run again") from None
