"""Source pictures, read again where they were found: none is held but a batch of the table that is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trig.errors import TableError
from trig.tables.sources import digest

BATCH = 32
"""Rows of a table in memory at once."""
BUFFER = 1 << 20
"""Bytes of a column chunk that are read at once: chunks of pictures may be as large as the file."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a picture was found."""

    path: Path
    batch: int | None = None  # of a table; null: the file is the picture


class Reader:
    """Pictures by content hash. Those of a table are read fast in the order in which they were found, and the table anew for one before."""

    def __init__(self, spots: Mapping[str, Spot]) -> None:
        self._spots = spots
        self._path: Path | None = None
        self._next = 0
        self._batches: Iterator[list[dict[str, Any]]] = iter(())
        self._held: Mapping[str, bytes] = {}

    def get(self, source: str) -> bytes | None:
        """The picture file; None where there is no such source. Raises TableError where it has changed since it was found."""
        spot = self._spots.get(source)
        if spot is None:
            return None
        file = self._loose(spot.path) if spot.batch is None else self._of_table(spot.path, spot.batch).get(source)
        if file is None or digest(file) != source:
            raise TableError(f"{spot.path}: a picture was changed or removed while annotate read it; run again")
        return file

    def _loose(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except OSError:
            return None

    def _of_table(self, path: Path, batch: int) -> Mapping[str, bytes]:
        if path != self._path or batch < self._next - 1:
            self._path, self._next, self._batches = path, 0, batches(path, ["image"])
        while self._next <= batch:
            files = (picture(row["image"]) for row in next(self._batches, ()))
            self._held, self._next = {digest(file): file for file in files if file is not None}, self._next + 1
        return self._held


def picture(cell: object) -> bytes | None:
    """The bytes in a cell of the column `image`: as they are, or as the Image feature of `datasets` holds them."""
    file = cell.get("bytes") if isinstance(cell, dict) else cell
    return file if isinstance(file, bytes) else None


def batches(path: Path, columns: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    """Rows of a parquet file, a batch at a time. Raises TableError where it cannot be read."""
    try:
        with pq.ParquetFile(path, buffer_size=BUFFER) as file:
            for batch in file.iter_batches(BATCH, columns=list(columns), use_threads=False):
                yield batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: Exception) -> TableError:
    """The error of a file that is no parquet file, or a broken one."""
    return TableError(f"{path}: not a readable parquet file ({str(error).splitlines()[0]}); write it again, or name another")
