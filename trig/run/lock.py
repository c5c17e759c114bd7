"""Stage locks (flock)."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trig.errors import FileError, TrigError


@contextmanager
def only_one(name: str, folder: Path) -> Iterator[None]:
    """Hold a stage's exclusive file lock. Raises TrigError if another run holds it, FileError if it cannot be written."""
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
