"""The work store: what stages have computed, kept by the hash of everything that decided it.

It is a cache: deleting it loses time and never results. A row is handed out under its own key or not at all, and `kill -9` costs at most the
batch in flight. SQLite in WAL mode with `synchronous=NORMAL`: a killed process loses no committed batch, since the system holds its pages; a
power cut may lose the last batches, and the file stays sound.
"""

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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
"""Finished work waits at most about so long for its commit."""
ASK = 500
"""Keys per query, below SQLite's limit on variables; also bounds how many payloads are checked at once."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    shelf TEXT NOT NULL, key TEXT NOT NULL, payload BLOB NOT NULL, seal BLOB NOT NULL, used REAL NOT NULL, UNIQUE (shelf, key)
)
"""


@dataclass(frozen=True, slots=True)
class Shelf:
    """How much a shelf holds."""

    rows: int
    bytes: int  # of payload


@dataclass(frozen=True, slots=True)
class Progress:
    """How far `fill` has come."""

    total: int
    reused: int  # taken over from the store
    computed: int
    refused: int  # computed to nothing; asked again in the next run

    @property
    def done(self) -> int:
        """Everything that needs no more work in this run."""
        return self.reused + self.computed + self.refused


def home() -> Path:
    """The store's folder: `.trig/work` under `$DVC_ROOT`, else under the nearest parent with a `.dvc` folder, else here."""
    here = Path.cwd()
    root = os.environ.get("DVC_ROOT") or next((place for place in (here, *here.parents) if (place / ".dvc").is_dir()), here)
    return Path(root) / ".trig" / "work"


def trainings() -> Path:
    """The folder of the checkpoints of trainings that have not come to their end."""
    return home() / "training"


class Store:
    """Payloads by shelf and key. Several processes may use one file at a time; a thread needs a store of its own."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, root: Path | None = None) -> Self:
        """The store in a folder, made when it is not there. Raises StoreError when its file is damaged: it says to delete it."""
        path = (root or home()) / FILE
        with _plainly(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and not os.access(path, os.W_OK):  # SQLite would say so at the first row
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(SCHEMA)
        return cls(connection, path)

    @classmethod
    def look(cls, root: Path | None = None) -> Self:
        """The store in a folder, for reading only, also where nothing may be written; an empty one where none was made yet.

        Raises StoreError when its file is damaged.
        """
        path = (root or home()) / FILE
        with _plainly(path):
            connection = _read_only(path) if path.exists() else None
        found = cls.passing() if connection is None else cls(connection, path)
        found.path = path
        return found

    @classmethod
    def passing(cls) -> Self:
        """A store in memory, gone when it is closed."""
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.execute(SCHEMA)
        return cls(connection, Path(":memory:"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def known(self, shelf: str, keys: Iterable[str]) -> set[str]:
        """The keys whose payload is there and whole."""
        return {key for key, _ in self._rows(shelf, keys)}

    def get(self, shelf: str, keys: Iterable[str]) -> dict[str, bytes]:
        """The payloads of the keys that are there and whole, in the order asked for."""
        asked = list(dict.fromkeys(keys))
        found = dict(self._rows(shelf, asked))
        return {key: found[key] for key in asked if key in found}

    def put(self, shelf: str, items: Mapping[str, bytes]) -> None:
        """Keep all payloads, or none when the process dies on the way."""
        now = time.time()
        rows = [(shelf, key, payload, _seal(shelf, key, payload), now) for key, payload in items.items()]
        with self._transaction():
            self._connection.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", rows)

    def touch(self, shelf: str, keys: Iterable[str]) -> None:
        """Note that the rows are in use, so that `prune` spares them."""
        now = time.time()
        with self._transaction():
            self._connection.executemany("UPDATE rows SET used = ? WHERE shelf = ? AND key = ?", [(now, shelf, key) for key in keys])

    def size(self) -> dict[str, Shelf]:
        """What each shelf holds."""
        with _plainly(self.path):
            rows = self._connection.execute(
                "SELECT shelf, count(*), sum(length(payload)) FROM rows GROUP BY shelf ORDER BY shelf"
            ).fetchall()
        return {shelf: Shelf(count, size) for shelf, count, size in rows}

    def prune(self, unused_seconds: float) -> int:
        """Drop the rows that no run has used for so long, give the room back, and say how many they were."""
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
        """Everything inside or nothing. Takes the write lock at once: a lock upgraded half-way could not wait for another writer."""
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
) -> Iterator[Progress]:
    """Bring every wanted row into the store: take over the known ones, compute the others, commit them as they finish.

    `compute` is given all missing work and yields its place and its payload, once each, in any order; None keeps nothing, and the next run
    asks again. What it yields is committed when `batch_size` rows or a second have come together, and when it stops, for whatever reason.
    Equal keys are equal work and stand in `wanted` once. The first progress comes before any work.
    """
    known = store.known(shelf, wanted)
    store.touch(shelf, known)
    left = [key for key in wanted if key not in known]
    yield Progress(len(wanted), len(known), 0, 0)
    computed, refused = set[str](), set[str]()
    fresh: dict[str, bytes] = {}
    kept_at = time.monotonic()
    try:
        for place, payload in compute([wanted[key] for key in left]) if left else ():
            key = left[place]
            if payload is None:
                refused.add(key)
            else:
                fresh[key] = payload
                computed.add(key)
            if len(fresh) >= batch_size or time.monotonic() - kept_at > COMMIT_SECONDS:
                store.put(shelf, fresh)
                fresh, kept_at = {}, time.monotonic()
                yield Progress(len(wanted), len(known), len(computed), len(refused))
    finally:
        store.put(shelf, fresh)
    if len(computed | refused) < len(left):
        raise ValueError(f"{shelf}: {len(left)} rows were asked for and {len(computed | refused)} were computed")
    yield Progress(len(wanted), len(known), len(computed), len(refused))


def _read_only(path: Path) -> sqlite3.Connection | None:
    """A connection that writes nothing; None where no store was made in the file yet."""
    try:
        return _looking(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if _is_busy(error):
            raise
        return _looking(path, "mode=ro&immutable=1")  # needs no file beside it, and does not see what another process is writing


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
    """The items in runs of `size`; the last one may be shorter."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _seal(shelf: str, key: str, payload: bytes) -> bytes:
    """A hash that binds a payload to its place: neither a torn payload nor one that stands under another key has it."""
    place = f"{len(shelf)}:{shelf}{key}".encode()
    return blake2b(payload, digest_size=8, key=blake2b(place, digest_size=32).digest()).digest()


def _whole(shelf: str, key: str, payload: object, seal: object) -> bool:
    return isinstance(payload, bytes) and _seal(shelf, key, payload) == seal


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    """Say what is wrong with the file in one line. Misuse of sqlite3 keeps its traceback."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise _told(path, error) from None
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise
        raise StoreError(f"{path}: the work store is damaged ({error}); delete {path}*: it is a cache and only time is lost") from None


def _told(path: Path, error: Exception) -> StoreError:
    """What keeps the store from being used, and what to do."""
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
