"""Parquet tables with declared schemas, validated on read and write."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from trig.errors import TableError
from trig.files import replacing, walk
from trig.tables.made import Made, metadata, torn


@dataclass(frozen=True, slots=True)
class Table:
    """Schema: name, columns in order, primary key, nullable columns."""

    name: str
    columns: Mapping[str, pl.DataType | type[pl.DataType]]
    key: tuple[str, ...]
    nullable: frozenset[str] = frozenset()

    def only(self, columns: Collection[str]) -> "Table":
        """Projection onto the key and these columns."""
        kept = {name: kind for name, kind in self.columns.items() if name in columns or name in self.key}
        return Table(self.name, kept, self.key, self.nullable.intersection(kept))


def check(frame: pl.DataFrame, table: Table, where: str) -> pl.DataFrame:
    """Validates a frame and returns the table's columns in order; extra columns are dropped.

    Raises TableError for a missing column, a wrong type, a null or NaN where none is allowed, or a duplicate key.
    """
    for column, kind in table.columns.items():
        if column not in frame.columns:
            raise TableError(
                f"{where}: column {column!r} of the {table.name} table is missing; write it, or rebuild the file with `dvc repro`"
            )
        if not _lossless(frame[column].dtype, kind):
            raise TableError(f"{where}: column {column!r} holds {frame[column].dtype} and must hold {kind}; write it so")
        try:
            frame = frame.with_columns(pl.col(column).cast(kind))
        except pl.exceptions.PolarsError as error:
            raise TableError(f"{where}: column {column!r} does not hold {kind}: {str(error).splitlines()[0]}") from None
        if column not in table.nullable and frame[column].null_count():
            raise TableError(f"{where}: column {column!r} is null in {frame[column].null_count()} rows; it needs a value in each")
        if kind in (pl.Float64, pl.List(pl.Float64)) and (strange := _not_finite(frame[column])):
            raise TableError(f"{where}: column {column!r} is NaN or infinite in {strange} rows; a missing value is null with a reason")
    frame = frame.select(list(table.columns))
    repeated = frame.filter(frame.select(table.key).is_duplicated())
    if repeated.height:
        row = repeated.select(table.key).row(0)
        raise TableError(f"{where}: {'/'.join(map(str, row))} stands in more than one row; {', '.join(table.key)} must name a row")
    return frame


def _lossless(have: pl.DataType, want: pl.DataType | type[pl.DataType]) -> bool:
    """Whether the cast is lossless: no float to integer, no text to number."""
    if want in (pl.Float64, pl.Float32):
        return have.is_numeric() or have == pl.Null
    if want in (pl.Int32, pl.Int64, pl.UInt64):
        return have.is_integer() or have == pl.Null
    return True


def _not_finite(column: pl.Series) -> int:
    """Number of rows with NaN or infinity."""
    if column.dtype == pl.List(pl.Float64):
        return int(column.list.eval(~pl.element().is_finite()).list.any().sum())
    return int((~column.is_finite()).sum())


def shards(folder: Path) -> list[Path]:
    """All parquet files under a folder, sorted by name; empty where there is no folder."""
    return [file for file in walk(folder) if file.suffix == ".parquet"] if folder.is_dir() else []


def files(path: Path, table: Table) -> list[Path]:
    """Files of a table: a file, or the shards of a folder. Raises TableError where there are none."""
    found = [path] if path.is_file() else shards(path)
    if not found:
        raise TableError(f"{path}: there is no {table.name} table here; run the stage that writes it, or `dvc pull`")
    return found


def read(path: Path, table: Table) -> pl.DataFrame:
    """Reads a parquet file, or all shards of a folder sorted by name. Raises TableError."""
    parts = [_read_file(file, table) for file in files(path, table)]
    return parts[0] if len(parts) == 1 else check(pl.concat(parts), table, str(path))


def _read_file(path: Path, table: Table) -> pl.DataFrame:
    try:
        there = pl.read_parquet_schema(path)
        frame = pl.read_parquet(path, columns=[name for name in table.columns if name in there])
    except (pl.exceptions.PolarsError, OSError) as error:
        raise torn(path, error) from None
    return check(frame, table, str(path))


def write(frame: pl.DataFrame, table: Table, path: Path, made: Made | None = None) -> None:
    """Validates and writes the table atomically, with a note of what made it. Deterministic: equal tables and notes give equal bytes."""
    checked = check(frame, table, str(path))
    with replacing(path) as part:
        checked.write_parquet(part, compression="zstd", statistics=True, metadata=metadata(checked, table.name, made))
