"""Source pictures of editing and subject prompts: schema, writer of shards, and reader by content hash."""

from collections import OrderedDict
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from trig import tables
from trig.errors import FileError, TableError
from trig.files import rebuilding, replacing, walk
from trig.tables import Table
from trig.tables.images import PICTURE

SOURCES = Table(
    "sources",
    {
        "source": pl.String,  # content hash of the file, the key of the row
        "image": PICTURE,
        "width": pl.Int32,
        "height": pl.Int32,
        "subject": pl.String,  # noun phrase of the main thing, with its article
        "other": pl.String,  # a second thing in the picture
        "place": pl.String,  # prepositional phrase, such as `on a beach`
        "item": pl.String,  # s2p: noun phrase of the subject, without an article
        "tasks": pl.List(pl.String),  # p2p, s2p or both: what the picture is fit for
        "description": pl.String,
        "origin": pl.String,  # where the picture comes from
        "licence": pl.String,
    },
    ("source",),
    frozenset({"other", "place", "item", "description"}),
)
ROWS = 32
"""Pictures per row group: what one read decodes."""
KEPT = 16
"""Row groups kept decoded."""


def digest(file: bytes) -> str:
    """Content hash of a picture file: 32 hex digits (blake2b-128)."""
    return blake2b(file, digest_size=16).hexdigest()


def write(sources: pl.DataFrame, folder: Path) -> None:
    """Write one shard per first digit of the hash in place of the shards of a folder. Raises FileError where the folder holds anything else."""
    replaceable(folder)
    checked = tables.check(sources, SOURCES, str(folder)).sort("source")
    with rebuilding(folder) as part:
        for (first,), rows in checked.group_by(pl.col("source").str.slice(0, 1), maintain_order=True):
            with replacing(part / f"{first}.parquet") as shard:
                rows.write_parquet(shard, compression="zstd", row_group_size=ROWS)


def replaceable(folder: Path) -> None:
    """Raises FileError where writing would lose something other than shards of source pictures."""
    if folder.exists() and not folder.is_dir():
        raise FileError(f"{folder}: this is a file; name a folder")
    if other := next((file for file in walk(folder, hidden=True) if not _shard(file)), None) if folder.is_dir() else None:
        raise FileError(
            f"{folder}: it holds {other.relative_to(folder)}, which is no shard of sources and would be lost; name a new folder"
        )


def _shard(file: Path) -> bool:
    try:
        return file.suffix == ".parquet" and SOURCES.columns.keys() <= set(pl.read_parquet_schema(file))
    except (pl.exceptions.PolarsError, OSError):
        return False


class Library:
    """Source pictures by content hash. Opening reads the hashes only; pictures are read a row group at a time. Without a folder it is empty."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._groups = {name: at for at, names in _index(folder) for name in names} if folder else {}
        self._read: OrderedDict[tuple[Path, int], dict[str, bytes]] = OrderedDict()

    def __contains__(self, source: str) -> bool:
        return source in self._groups

    def get(self, source: str | None) -> bytes | None:
        """The picture file; None for no source. Raises TableError where there is no such picture, or its bytes have another hash."""
        if source is None:
            return None
        if source not in self._groups:
            raise TableError(f"{self.folder}: there is no source picture {source}; run the stage that writes it, or `dvc pull`")
        at = self._groups[source]
        if at not in self._read:
            self._read[at] = _pictures(*at)
            if len(self._read) > KEPT:
                self._read.popitem(last=False)
        self._read.move_to_end(at)
        file = self._read[at][source]
        if digest(file) != source:
            raise TableError(f"{self.folder}: the picture {source} has other bytes than its name says; run the stage that writes it again")
        return file


def _index(folder: Path) -> Iterator[tuple[tuple[Path, int], list[str]]]:
    """Row group of a shard → hashes in it."""
    for file in tables.shards(folder):
        shard = pq.ParquetFile(file)
        for group in range(shard.num_row_groups):
            yield (file, group), shard.read_row_group(group, columns=["source"])["source"].to_pylist()


def _pictures(file: Path, group: int) -> dict[str, bytes]:
    found = pq.ParquetFile(file).read_row_group(group, columns=["source", "image"]).to_pydict()
    return {source: image["bytes"] for source, image in zip(found["source"], found["image"], strict=True)}
