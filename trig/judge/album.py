"""Lazily loaded images table: pictures are streamed from parquet, since a benchmark's do not fit into memory."""

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

import polars as pl

from trig import tables
from trig.errors import TableError
from trig.tables.images import IMAGES

Part: TypeAlias = Path | pl.DataFrame
"""Parquet file of an images table, or rows of one in memory."""
NAMES = IMAGES.only([name for name in IMAGES.columns if name != "image"])
NONE = pl.DataFrame(schema=dict(NAMES.columns))
AT_A_TIME = 8
"""Pictures per record batch."""
PIECE = 2**20
"""Read buffer in bytes."""


class Album:
    """Partitioned images table. `names` is the table without its pictures."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        names = [_names(part) for part in self.parts]
        self.names = tables.check(pl.concat([NONE, *names]), NAMES, "images")
        self._starts = [0, *accumulate(each.height for each in names)]

    @classmethod
    def open(cls, folder: Path) -> "Album":
        """Table of all parquet files under a folder, sorted by name. Raises TableError where there is none."""
        return cls(tables.files(folder, IMAGES))

    def pictures(self, places: Collection[int]) -> Iterator[tuple[int, bytes | None]]:
        """Pictures in these rows of `names`, ascending; None where a row has none. Partitions without a wanted row are not read."""
        wanted = sorted(places)
        for part, start, end in zip(self.parts, self._starts, self._starts[1:], strict=False):
            inside = [place - start for place in wanted if start <= place < end]
            if inside:
                yield from ((start + place, file) for place, file in _pictures(part, inside))


def _names(part: Part) -> pl.DataFrame:
    if isinstance(part, pl.DataFrame):
        return tables.check(part, NAMES, "images")
    try:
        tables.check(pl.read_parquet(part, n_rows=0), IMAGES, str(part))
        return tables.check(pl.read_parquet(part, columns=list(NAMES.columns)), NAMES, str(part))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _torn(part, error) from None


def _pictures(part: Part, places: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
    """Pictures in these rows of a part, in ascending order."""
    if isinstance(part, pl.DataFrame):
        yield from zip(places, part["image"].struct["bytes"].gather(list(places)), strict=True)
        return
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    wanted, place = set(places), 0
    try:
        with ParquetFile(part, pre_buffer=False, buffer_size=PIECE) as file:
            for batch in file.iter_batches(AT_A_TIME, columns=["image.bytes"]):
                for picture in batch.column(0).field("bytes"):
                    if place in wanted:
                        yield place, picture.as_py()
                    place += 1
    except (ArrowException, OSError) as error:
        raise _torn(part, error) from None


def _torn(file: Path, error: Exception) -> TableError:
    return TableError(f"{file}: not a readable parquet file ({str(error).splitlines()[0]}); delete it and run `dvc repro`")
