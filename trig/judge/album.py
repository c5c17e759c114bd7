"""Lazily loaded images table: pictures are streamed from parquet, since a benchmark's do not fit into memory."""

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

import polars as pl

from trig import tables
from trig.tables import pictures
from trig.tables.images import IMAGES

Part: TypeAlias = Path | pl.DataFrame
"""Parquet file of an images table, or rows of one in memory."""
NAMES = IMAGES.only([name for name in IMAGES.columns if name != "image"])
NONE = pl.DataFrame(schema=dict(NAMES.columns))


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
            inside = [index - start for index in wanted if start <= index < end]
            if inside:
                yield from ((start + index, file) for index, file in _pictures(part, inside))


def _names(part: Part) -> pl.DataFrame:
    if isinstance(part, pl.DataFrame):
        return tables.check(part, NAMES, "images")
    return tables.check(pictures.told(part, IMAGES), NAMES, str(part))


def _pictures(part: Part, places: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
    """Pictures in these rows of a part, in ascending order."""
    if isinstance(part, pl.DataFrame):
        yield from zip(places, part["image"].struct["bytes"].gather(list(places)), strict=True)
        return
    yield from ((row, pictures.picture(found)) for row, found in pictures.read(part, places))
