"""Work store: a content-addressed cache of what stages have computed.

Deleting it costs time, never results. Payloads are checksummed against their key. SQLite in WAL mode with `synchronous=NORMAL`: `kill -9` loses
at most the batch in flight; a power cut may lose the last commits, and the file stays sound.
"""

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from trig.errors import StoreClosedError, StoreError

Work = TypeVar("Work")
FILE = "work.sqlite"
BUSY_SECONDS = 60.0
COMMIT_SECONDS = 1.0
"""Maximum time between commits, approximately."""
ASK = 500
"""Keys per query, below SQLite's limit on variables; also bounds the payloads verified at once."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    shelf TEXT NOT NULL, key TEXT NOT NULL, payload BLOB NOT NULL, seal BLOB NOT NULL, used REAL NOT NULL, UNIQUE (shelf, key)
)
"""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Size of a shelf (namespace)."""

    rows: int
    bytes: int  # payload bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of `fill`."""

    total: int
    reused: int  # cache hits
    computed: int
    refused: int  # without payload; retried in the next run

    @property
    def done(self) -> int:
        """Rows finished in this run."""
        return self.reused + self.computed + self.refused


def home() -> Path:
    """Store folder: `.trig/work` under `$DVC_ROOT`, else under the nearest parent with a `.dvc` folder, else under the working directory."""
    here = Path.cwd()
    root = os.environ.get("DVC_ROOT") or next((place for place in (here, *here.parents) if (place / ".dvc").is_dir()), here)
    return Path(root) / ".trig" / "work"


def trainings() -> Path:
    """Folder of the checkpoints of unfinished training runs."""
    return home() / "training"


class Store:
    """Key-value store of payloads, by shelf. Several processes may share a file; each thread needs its own Store."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, root: Path | None = None) -> Self:
        """Open or create the store in a folder. Raises StoreError if the file is damaged or cannot be used."""
        path = (root or home()) / FILE
        with _plainly(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and not os.access(path, os.W_OK):  # SQLite would fail at the first write only
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(SCHEMA)
        return cls(connection, path)

    @classmethod
    def look(cls, root: Path | None = None) -> Self:
        """Open read-only, also without write permission; empty if there is no store yet. Raises StoreError if the file is damaged."""
        path = (root or home()) / FILE
        with _plainly(path):
            connection = _read_only(path) if path.exists() else None
        found = cls.passing() if connection is None else cls(connection, path)
        found.path = path
        return found

    @classmethod
    def passing(cls) -> Self:
        """In-memory store."""
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.execute(SCHEMA)
        return cls(connection, Path(":memory:"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def known(self, shelf: str, keys: Iterable[str]) -> set[str]:
        """Keys with an intact payload."""
        return {key for key, _ in self._rows(shelf, keys)}

    def get(self, shelf: str, keys: Iterable[str]) -> dict[str, bytes]:
        """Intact payloads by key, in the order asked for."""
        found = dict(self._rows(shelf, asked := list(dict.fromkeys(keys))))
        return {key: found[key] for key in asked if key in found}

    def latest(self, shelf: str, keys: Collection[str], most: int) -> list[str]:
        """Of these keys, those that were put last, latest first."""
        with _plainly(self.path):
            rows = self._connection.execute("SELECT key FROM rows WHERE shelf = ? ORDER BY rowid DESC", (shelf,)).fetchall()
        return [key for (key,) in rows if key in keys][:most]

    def put(self, shelf: str, items: Mapping[str, bytes]) -> None:
        """Write all payloads in one transaction."""
        rows = [(shelf, key, payload, _seal(shelf, key, payload), time.time()) for key, payload in items.items()]
        with self._transaction():
            self._connection.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", rows)

    def touch(self, shelf: str, keys: Iterable[str]) -> None:
        """Update the last-used time, for `prune`."""
        with self._transaction():
            self._connection.executemany(
                "UPDATE rows SET used = ? WHERE shelf = ? AND key = ?", [(time.time(), shelf, key) for key in keys]
            )

    def move(self, source: str, target: str, keys: Iterable[str]) -> None:
        """Move payloads to another shelf. Killed in between, some stand on both."""
        for some in _chunks(list(keys), ASK):
            self.put(target, self.get(source, some))
            self.drop(source, some)

    def drop(self, shelf: str, keys: Iterable[str]) -> None:
        """Delete rows."""
        with self._transaction():
            self._connection.executemany("DELETE FROM rows WHERE shelf = ? AND key = ?", [(shelf, key) for key in keys])

    def size(self) -> dict[str, Shelf]:
        """Size of each shelf."""
        with _plainly(self.path):
            rows = self._connection.execute(
                "SELECT shelf, count(*), sum(length(payload)) FROM rows GROUP BY shelf ORDER BY shelf"
            ).fetchall()
        return {shelf: Shelf(count, size) for shelf, count, size in rows}

    def prune(self, unused_seconds: float) -> int:
        """Delete rows unused for so many seconds, vacuum, and return the number deleted."""
        with self._transaction():
            dropped = self._connection.execute("DELETE FROM rows WHERE used <= ?", (time.time() - unused_seconds,)).rowcount
        with _plainly(self.path):
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return dropped

    def _rows(self, shelf: str, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for some in _chunks(list(keys), ASK):
            marks = ",".join("?" * len(some))
            query = f"SELECT key, payload, seal FROM rows WHERE shelf = ? AND key IN ({marks})"
            with _plainly(self.path):
                rows = self._connection.execute(query, (shelf, *some)).fetchall()
            yield from ((key, payload) for key, payload, seal in rows if _whole(shelf, key, payload, seal))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Atomic transaction. BEGIN IMMEDIATE: upgrading a read lock would fail instead of waiting for another writer."""
        with _plainly(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                yield


def fill(
    store: Store,
    shelf: str,
    wanted: Mapping[str, Work],
    compute: Callable[[list[Work]], Iterable[tuple[int, bytes | None]]],
    batch_size: int,
    whole: bool = False,
) -> Iterator[Progress]:
    """Fill the store: reuse cached rows, compute and commit the others. Yields Progress, first before any work.

    `compute` gets all missing work and yields (index, payload), once each, in any order; None is not stored and is retried in the next run. Commits
    after `batch_size` rows or COMMIT_SECONDS, and on exit, also by an exception. Equal keys are equal work and stand in `wanted` once.

    `whole`: `compute` works on `batch_size` items at a time and a payload may depend on its batch to the last bit, so whole batches are committed
    only: the next run then computes the same batches.
    """
    known = store.known(shelf, wanted)
    store.touch(shelf, known)
    left = [key for key in wanted if key not in known]
    yield Progress(len(wanted), len(known), 0, 0)
    computed, refused = set[str](), set[str]()
    fresh: dict[str, bytes] = {}
    seen, kept_at = 0, time.monotonic()
    try:
        for index, payload in compute([wanted[key] for key in left]) if left else ():
            key = left[index]
            seen += 1
            if payload is None:
                refused.add(key)
            else:
                fresh[key] = payload
                computed.add(key)
            if seen % batch_size == 0 if whole else len(fresh) >= batch_size or time.monotonic() - kept_at > COMMIT_SECONDS:
                store.put(shelf, fresh)
                fresh, kept_at = {}, time.monotonic()
                yield Progress(len(wanted), len(known), len(computed), len(refused))
    finally:
        if not whole or seen == len(left):
            store.put(shelf, fresh)
    if len(computed | refused) < len(left):
        raise ValueError(f"{shelf}: {len(left)} rows were asked for and {len(computed | refused)} were computed")
    yield Progress(len(wanted), len(known), len(computed), len(refused))


def _read_only(path: Path) -> sqlite3.Connection | None:
    """Read-only connection; None if the file holds no store yet."""
    try:
        return _looking(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if _is_busy(error):
            raise
        return _looking(path, "mode=ro&immutable=1")  # needs no -wal or -shm file; misses concurrent writes


def _looking(path: Path, how: str) -> sqlite3.Connection | None:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'rows'").fetchone():
            return connection
    except sqlite3.DatabaseError:
        connection.close()
        raise
    connection.close()
    return None


def _is_busy(error: Exception) -> bool:
    return any(word in str(error) for word in ("locked", "busy"))


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _seal(shelf: str, key: str, payload: bytes) -> bytes:
    """Keyed checksum that binds a payload to its shelf and key: detects torn and misplaced payloads."""
    place = f"{len(shelf)}:{shelf}{key}".encode()
    return blake2b(payload, digest_size=8, key=blake2b(place, digest_size=32).digest()).digest()


def _whole(shelf: str, key: str, payload: object, seal: object) -> bool:
    return isinstance(payload, bytes) and _seal(shelf, key, payload) == seal


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    """Convert SQLite and OS errors to StoreError. Misuse of sqlite3 keeps its traceback."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise _told(path, error) from None
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise
        raise StoreError(f"{path}: the work store is damaged ({error}); delete {path}*: it is a cache and only time is lost") from None


def _told(path: Path, error: Exception) -> StoreError:
    """StoreError with cause and remedy."""
    said, number = str(error), getattr(error, "errno", None)
    near = next(place for place in (path, *path.parents) if place.exists())
    if "readonly" in said or number in {errno.EACCES, errno.EPERM, errno.EROFS} or not os.access(near, os.W_OK):
        return StoreClosedError(f"{path}: nothing may be written here ({said}); allow it, or run where DVC_ROOT is a folder of yours")
    if "full" in said or number in {errno.ENOSPC, errno.EDQUOT}:
        return StoreError(f"{path}: the disk is full ({said}); free some space, and run again: what was kept is there")
    if _is_busy(error):
        return StoreError(f"{path}: another program holds the work store ({said}); wait for it or stop it, and run again")
    return StoreError(
        f"{path}: the work store cannot be used ({said}); look at the file, or delete {path}*: it is a cache and only time is lost"
    )
