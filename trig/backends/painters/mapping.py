"""Which file in a folder is the picture of which row: by name, or by a mapping table."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeAlias

import polars as pl

from trig.errors import TableError
from trig.files import walk
from trig.pictures import SUFFIXES
from trig.protocols.generator import Row
from trig.protocols.refusal import Refusal

NEEDED, ALLOWED = ("data_id", "file"), ("data_id", "file", "task", "number")
"""Columns that a mapping table must have, and may have."""
Key: TypeAlias = tuple[str | None, str, int]
"""Task, None for any; data_id; number."""


class Names(Protocol):
    """Names that the file of a row may have, below its folder."""

    def of(self, row: Row) -> Sequence[str] | Refusal:
        """Of these the folder must hold exactly one."""
        ...

    def unused(self) -> Sequence[str]:
        """Names that were given and never asked for."""
        ...


class ByDataId:
    """Named after data_id, `DATA_ID.png`, and after a number above 0 too, `DATA_ID-1.png`; in the folder, in TASK or in TASK/PAIR. Satisfies `Names`."""

    def of(self, row: Row) -> Sequence[str]:
        """Every place and suffix."""
        stem = f"{row.data_id}-{row.number}" if row.number else row.data_id
        return [f"{above}{stem}{suffix}" for above in ("", f"{row.task}/", f"{row.task}/{row.pair}/") for suffix in SUFFIXES]

    def unused(self) -> Sequence[str]:
        """No name is given."""
        return ()


class ByTable:
    """Named in a table. Satisfies `Names`."""

    def __init__(self, file: Path, field: str) -> None:
        self.file = file
        self.named = _read(file, f"{field}: {file}")
        self.left = dict.fromkeys(self.named)

    def of(self, row: Row) -> Sequence[str] | Refusal:
        """The one file that the table names."""
        keys: list[Key] = [(row.task, row.data_id, row.number), (None, row.data_id, row.number)]
        for key in keys:
            self.left.pop(key, None)
        found = [name for key in keys for name in self.named.get(key, ())]
        if not found:
            return Refusal(f"{self.file.name} names no file for it", final=True)
        if len(found) > 1:
            return Refusal(f"{self.file.name} names two files for it, {found[0]!r} and {found[1]!r}; keep one row", final=True)
        if PurePosixPath(found[0]).is_absolute() or ".." in PurePosixPath(found[0]).parts:
            return Refusal(f"{self.file.name} names {found[0]!r}, which leads out of the folder", final=True)
        return [PurePosixPath(found[0]).as_posix()]

    def unused(self) -> Sequence[str]:
        """data_ids of rows that nothing asked for."""
        return [data_id for _, data_id, _ in self.left]


class Files:
    """The files of a folder, by their paths in it. Case counts, whatever the file system says."""

    def __init__(self, place: Path) -> None:
        self.home = place.resolve()
        self.paths = {file.relative_to(place).as_posix(): file for file in walk(place)}
        self.left = dict.fromkeys(self.paths)
        self._folded: dict[str, list[str]] = {}
        for path in self.paths:
            self._folded.setdefault(path.casefold(), []).append(path)

    def one(self, names: Sequence[str]) -> Path | Refusal:
        """The only file with one of these names, or why there is none."""
        found = [name for name in names if name in self.paths]
        alike = [] if found else [path for name in names for path in self._folded.get(name.casefold(), ())]
        for path in (*found, *alike):
            self.left.pop(path, None)
        if len(found) > 1:
            return Refusal(f"two files are its picture, {found[0]!r} and {found[1]!r}; keep one", final=True)
        if alike:
            meant = next(name for name in names if name.casefold() == alike[0].casefold())
            return Refusal(f"its file is called {alike[0]!r}, and case counts; rename it to {meant!r}", final=True)
        if not found:
            told = repr(names[0]) if len(names) == 1 else f"{names[0]!r} (or {', '.join(SUFFIXES[1:])})"
            return Refusal(f"the folder holds no {told}", final=True)
        file = self.paths[found[0]]
        if not file.resolve().is_relative_to(self.home):
            return Refusal(f"{found[0]!r} is a link that leads out of the folder; copy the picture there", final=True)
        return file


def _read(file: Path, where: str) -> Mapping[Key, list[str]]:
    """File names of a mapping table. Raises TableError."""
    try:
        match file.suffix:
            case ".csv":
                table = pl.read_csv(file, infer_schema=False)
            case ".jsonl":
                table = pl.read_ndjson(file, infer_schema_length=None)
            case _:
                table = pl.read_parquet(file)
    except FileNotFoundError:
        raise TableError(f"{where}: there is no such table in the folder; name its path there") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(
            f"{where}: not a readable table ({next(iter(str(error).splitlines()), type(error).__name__)}); write it anew"
        ) from None
    if lacks := [name for name in NEEDED if name not in table.columns]:
        raise TableError(f"{where}: column {lacks[0]!r} is missing; a mapping has data_id and file, and perhaps task and number")
    if strange := [name for name in table.columns if name not in ALLOWED]:
        raise TableError(f"{where}: column {strange[0]!r} is unknown; a mapping has data_id and file, and perhaps task and number")
    for name, kind in {"data_id": pl.String, "file": pl.String, "task": pl.String, "number": pl.Int32}.items():
        if name in table.columns:
            table = _column(table, name, kind, where)
    found: dict[Key, list[str]] = {}
    for row in table.iter_rows(named=True):
        found.setdefault((row.get("task"), row["data_id"], row.get("number", 0)), []).append(row["file"])
    return found


def _column(table: pl.DataFrame, name: str, kind: type[pl.DataType], where: str) -> pl.DataFrame:
    """A column as its type, with a value in each row. Raises TableError."""
    cast = table.with_columns(pl.col(name).cast(kind, strict=False))
    if name != "task" and (rows := cast[name].is_null().arg_true()).len():
        raise TableError(
            f"{where}: row {rows[0] + 1}: column {name!r}: {table[name][rows[0]]!r}: write {'a whole number' if name == 'number' else 'a text'}"
        )
    return cast
