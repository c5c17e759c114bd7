"""Parquet files with a picture per row: written a row group at a time and read a row group at a time, since a benchmark's pictures fill no memory."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from trig.errors import TableError
from trig.files import replacing
from trig.tables import Table, check
from trig.tables.made import Made, metadata, torn

GROUP_BYTES = 8 * 2**20
"""Picture bytes that close a row group: what one read holds in memory."""
IMAGE = "image"
KEPT = 8
"""Row groups that `Reader` keeps decoded."""


def write(rows: Iterable[Mapping[str, object]], table: Table, path: Path, made: Made | None = None) -> None:
    """Write rows as they come, atomically, with a note of what made them. Deterministic: equal rows and notes give equal bytes.

    Picture bytes are not compressed a second time.
    """
    empty = pl.DataFrame(schema=dict(table.columns)).with_columns(pl.col(pl.Enum).cast(pl.String))
    schema = empty.to_arrow().schema
    told = [name for name in table.columns if name != IMAGE]
    codecs = {f"{IMAGE}.bytes": "NONE", f"{IMAGE}.path": "ZSTD"} | dict.fromkeys(told, "ZSTD")
    written: list[list[object]] = []
    with (
        replacing(path) as part,
        pq.ParquetWriter(part, schema, compression=codecs, use_dictionary=told, write_statistics=told) as file,
    ):
        for group in _groups(rows):
            file.write_table(pa.Table.from_pylist(group, schema), row_group_size=len(group))
            written += ([row[name] for name in told] for row in group)
        frame = pl.DataFrame(written, schema={name: empty.schema[name] for name in told}, orient="row")
        file.add_key_value_metadata(metadata(frame, table.name, made))


def _groups(rows: Iterable[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    group: list[Mapping[str, object]] = []
    held = 0
    for row in rows:
        group.append(row)
        shown = row[IMAGE]
        held += len(shown["bytes"]) if isinstance(shown, Mapping) else 0
        if held >= GROUP_BYTES:
            yield group
            group, held = [], 0
    if group:
        yield group


def read(
    file: Path, wanted: Collection[int] | None, columns: Sequence[str] = (f"{IMAGE}.bytes",)
) -> Iterator[tuple[int, dict[str, object]]]:
    """These rows, or all, with these columns, ascending. Row groups without a wanted row are not read. Raises TableError."""
    with _opened(file) as opened:
        start = 0
        for group in range(opened.num_row_groups):
            end = start + opened.metadata.row_group(group).num_rows
            inside = range(start, end) if wanted is None else sorted(row for row in wanted if start <= row < end)
            if inside:
                part = opened.read_row_group(group, columns=list(columns))
                for row in inside:
                    yield row, {name: part.column(name)[row - start].as_py() for name in part.column_names}
                del part
            start = end


def told(file: Path, table: Table) -> pl.DataFrame:
    """A file without its pictures. Raises TableError where it is no file of this table."""
    try:
        check(pl.read_parquet(file, n_rows=0), table, str(file))
        return pl.read_parquet(file, columns=[name for name in table.columns if name != IMAGE])
    except (pl.exceptions.PolarsError, OSError) as error:
        raise torn(file, error) from None


def picture(row: Mapping[str, object]) -> bytes | None:
    """Bytes of the picture of a row that was read; None where it has none."""
    shown = row[IMAGE]
    file = shown["bytes"] if isinstance(shown, Mapping) else None
    return file if isinstance(file, bytes) else None


class Reader:
    """Rows in any order from many files; the row groups used last stay decoded."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = list(columns)
        self._starts: dict[Path, list[int]] = {}
        self._kept: OrderedDict[tuple[Path, int], list[dict[str, object]]] = OrderedDict()

    def row(self, file: Path, row: int) -> dict[str, object]:
        """One row. Raises TableError where the file is torn or has no such row."""
        if file not in self._starts:
            with _opened(file) as opened:
                sizes = [opened.metadata.row_group(group).num_rows for group in range(opened.num_row_groups)]
            self._starts[file] = [sum(sizes[:index]) for index in range(len(sizes))]
        group = sum(start <= row for start in self._starts[file]) - 1
        at = file, group
        if at not in self._kept:
            with _opened(file) as opened:
                self._kept[at] = opened.read_row_group(group, columns=self.columns).to_pylist()
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(at)
        index = row - self._starts[file][group]
        if index >= len(self._kept[at]):
            raise TableError(f"{file}: it has no row {row}; delete it and run `dvc repro`")
        return self._kept[at][index]

    def forget(self, file: Path) -> None:
        """Let a file that was written anew be read anew."""
        self._starts.pop(file, None)
        for at in [at for at in self._kept if at[0] == file]:
            del self._kept[at]


@contextmanager
def _opened(file: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(file, pre_buffer=False) as opened:
            yield opened
    except (pa.ArrowException, OSError) as error:
        raise torn(file, error) from None
