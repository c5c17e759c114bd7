"""Source pictures of editing and subject prompts: schema, writer of shards, and reader by content hash."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from trig import tables
from trig.errors import FileError, TableError
from trig.files import rebuilding, replacing, walk
from trig.keys import content_key
from trig.tables import Table
from trig.tables.images import PICTURE
from trig.tables.made import Made, metadata

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


def write(sources: pl.DataFrame, folder: Path, read: Callable[[str], bytes | None] | None = None, stage: str | None = None) -> None:
    """Write one shard per first digit of the hash in place of the shards of a folder. Raises FileError where the folder holds anything else.

    `stage`: the one that writes them, where one does. `read` gives the pictures of rows without, in the order of the rows; no more
    of them are in memory than a row group of each shard.
    """
    replaceable(folder)
    checked = tables.check(sources, SOURCES, str(folder))
    with rebuilding(folder) as part, ExitStack() as shards:
        groups: dict[str, _Groups] = {}
        for row in (checked if read else checked.sort("source")).iter_rows(named=True):
            if read:
                row["image"]["bytes"] = read(row["source"])
            assert row["image"]["bytes"] is not None, "rows without their pictures need a reader"
            first = row["source"][0]
            if first not in groups:
                groups[first] = shards.enter_context(_Groups.of(part / f"{first}.parquet", stage))
            groups[first].add(row)


class _Groups:
    """Rows of a shard, written a row group at a time; `stage`: what writes it."""

    def __init__(self, writer: pq.ParquetWriter, stage: str | None) -> None:
        self._writer, self._stage = writer, stage
        self._rows, self._told = list[dict[str, Any]](), list[dict[str, Any]]()

    @classmethod
    @contextmanager
    def of(cls, path: Path, stage: str | None) -> Iterator[Self]:
        """The shard is there when the block ends."""
        with replacing(path) as shard, pq.ParquetWriter(shard, _arrow([]).schema, compression="zstd") as writer:
            groups = cls(writer, stage)
            yield groups
            groups._flush()
            groups._note()

    def add(self, row: dict[str, Any]) -> None:
        """Adds a row with its picture."""
        self._rows.append(row)
        self._told.append({name: value for name, value in row.items() if name != "image"})
        if len(self._rows) == ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(_arrow(self._rows), row_group_size=ROWS)
            self._rows.clear()

    def _note(self) -> None:
        """What decides a shard is its pictures: no code or parameter is named, so that a change of either rewrites no shard."""
        told = pl.DataFrame(self._told, schema={name: kind for name, kind in SOURCES.columns.items() if name != "image"})
        pictures = content_key(pictures=told["source"].to_list())
        made = self._stage and Made(stage=self._stage, inputs={"pictures": pictures})
        self._writer.add_key_value_metadata(metadata(told, SOURCES.name, made or None))


def _arrow(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pl.DataFrame(rows, schema=dict(SOURCES.columns)).to_arrow(compat_level=pl.CompatLevel.oldest())


def told(folder: Path) -> pl.DataFrame:
    """The sources table without the pictures themselves, which are not read. Raises TableError."""
    columns = [name for name in SOURCES.columns if name != "image"]
    parts = [_told(file, columns) for file in tables.files(folder, SOURCES)]
    return tables.check(pl.concat(parts), SOURCES, str(folder))


def _told(file: Path, columns: Sequence[str]) -> pl.DataFrame:
    with _readable(file):
        there = pl.DataFrame(pq.ParquetFile(file).read([*columns, "image.path"]))
        image = pl.struct(pl.lit(None, pl.Binary).alias("bytes"), pl.col("image").struct.field("path"))
        found = there.with_columns(image=image)
    return tables.check(found, SOURCES, str(file))


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Raises TableError where a shard is cut, lacks a column, or holds something else in it."""
    try:
        yield
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, KeyError, ValueError, TypeError) as error:
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise TableError(
            f"{file}: not a readable shard of source pictures ({said}); run the stage that writes it, or import it again"
        ) from None


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
        self._groups: dict[str, tuple[Path, int]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        for at, sizes in _index(folder) if folder else ():
            self._groups |= dict.fromkeys(sizes, at)
            self._sizes |= sizes
        self._read: OrderedDict[tuple[Path, int], dict[str, bytes]] = OrderedDict()

    @property
    def names(self) -> list[str]:
        """Content hashes, shard by shard."""
        return list(self._groups)

    def __contains__(self, source: str) -> bool:
        return source in self._groups

    def size(self, source: str) -> tuple[int, int]:
        """Width and height in pixels. Raises TableError where there is no such picture."""
        self._group(source)
        return self._sizes[source]

    def get(self, source: str | None) -> bytes | None:
        """The picture file; None for no source. Raises TableError where there is no such picture, or its bytes have another hash."""
        if source is None:
            return None
        at = self._group(source)
        if at not in self._read:
            self._read[at] = _pictures(*at)
            if len(self._read) > KEPT:
                self._read.popitem(last=False)
        self._read.move_to_end(at)
        file = self._read[at][source]
        if not isinstance(file, bytes) or digest(file) != source:
            raise TableError(f"{self.folder}: the picture {source} has other bytes than its name says; run the stage that writes it again")
        return file

    def _group(self, source: str) -> tuple[Path, int]:
        if source not in self._groups:
            raise TableError(f"{self.folder}: there is no source picture {source}; run the stage that writes it, or `dvc pull`")
        return self._groups[source]


def _index(folder: Path) -> Iterator[tuple[tuple[Path, int], dict[str, tuple[int, int]]]]:
    """Row group of a shard → hashes in it, with width and height."""
    for file in tables.shards(folder):
        with _readable(file):
            shard = pq.ParquetFile(file)
            groups = [_sizes(shard.read_row_group(group, columns=["source", "width", "height"])) for group in range(shard.num_row_groups)]
        yield from (((file, number), sizes) for number, sizes in enumerate(groups))


def _sizes(group: pa.Table) -> dict[str, tuple[int, int]]:
    found = group.to_pydict()
    return dict(zip(found["source"], zip(found["width"], found["height"], strict=True), strict=True))


def _pictures(file: Path, group: int) -> dict[str, bytes]:
    with _readable(file):
        found = pq.ParquetFile(file).read_row_group(group, columns=["source", "image"]).to_pydict()
        return {source: image["bytes"] for source, image in zip(found["source"], found["image"], strict=True)}
