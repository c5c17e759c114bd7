"""Alters tables of a run as somebody would who has this library: what `trig verify` is to find."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from trig import tables
from trig.tables import pictures
from trig.tables.images import IMAGES
from trig.tables.made import noted
from trig.tables.scores import SCORES
from trig.tables.sources import digest

SUBSETS = ("IQ-R_TA-S", "TA-C_D-K")
"""Their first pictures are swapped."""


def rewrite(path: Path, table: tables.Table, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """A table with other rows and the note of what made it."""
    note = noted(path)
    tables.write(change(pl.read_parquet(path)), table, path, note.made if note else None)


def alter(scores: Path, row: int) -> str:
    """Changes a score so that the columns of its row agree with each other; returns the row as `trig verify` names it."""

    def better(frame: pl.DataFrame) -> pl.DataFrame:
        here = pl.int_range(pl.len()) == row
        return frame.with_columns(pl.when(here).then(0.25).otherwise(name).alias(name) for name in ("expected", "score_trig"))

    rewrite(scores, SCORES, better)
    found = pl.read_parquet(scores).row(row, named=True)
    return f"{found['task']} {found['data_id']} {found['dimension']}"


def swap(images: Path, forged: bool = False) -> list[tuple[str, str]]:
    """Exchanges the first pictures of two shards of text-to-image; `forged`: their digests too. Returns file name and row of both."""
    files = [images / "t2i" / f"{pair}.parquet" for pair in SUBSETS]
    read = [pl.read_parquet(file).to_dicts() for file in files]
    one, other = read[0][0], read[1][0]
    one["image"]["bytes"], other["image"]["bytes"] = other["image"]["bytes"], one["image"]["bytes"]
    if forged:
        one["digest"], other["digest"] = digest(one["image"]["bytes"]), digest(other["image"]["bytes"])
    for file, found in zip(files, read, strict=True):
        note = noted(file)
        pictures.write(found, IMAGES, file, note.made if note else None)
    return [(file.name, f"t2i {row['data_id']}") for file, row in zip(files, (one, other), strict=True)]
