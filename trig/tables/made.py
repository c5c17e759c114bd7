"""What made a table, and the hash of its rows: a note in the key-value metadata of its Parquet file.

A note holds content hashes and no time, place or machine, so that equal inputs, parameters and code give equal bytes.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from trig.errors import TableError
from trig.files import walk
from trig.keys import content_key

KEY = "trig"
"""Name of the note among a file's key-value metadata."""
PICTURE = "image"
"""Column outside the hash of the rows: it has its own, in another column."""


def torn(file: Path, error: Exception) -> TableError:
    """A file that cannot be read."""
    return TableError(f"{file}: not a readable parquet file ({str(error).splitlines()[0]}); delete it and run `dvc repro`")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Made(_Record):
    """What made a table, as content hashes."""

    stage: str
    code: str | None = None  # of data/code/STAGE.txt; of a shard of pictures, of the cache versions
    inputs: dict[str, str] = {}  # name → hash of the rows of a table, or of the bytes of other files
    parameters: dict[str, str] = {}  # name in params.yaml → hash of its value


class Note(_Record):
    """The note of a file."""

    table: str
    rows: str  # content hash of the rows
    made: Made | None = None  # None: no stage wrote it


class _Hash(Protocol):
    def update(self, piece: bytes, /) -> None: ...


def by(stage: str, code: Path | None, inputs: Mapping[str, Path], parameters: Mapping[str, object]) -> Made:
    """What makes the tables of a stage. Raises TableError where the hash of its code is not there."""
    try:
        found = None if code is None else " ".join(code.read_text("utf-8").split())
    except OSError:
        raise TableError(f"{code}: the hash of the code of {stage} is missing; write it with `dvc repro code`") from None
    hashed = {name: content(path) for name, path in inputs.items()}
    return Made(stage=stage, code=found, inputs=hashed, parameters=hashes(parameters))


def of_models(models: Iterable[str], **folders: Path) -> dict[str, Path]:
    """A file per model in each of these folders, by the names of inputs."""
    return {f"{name}/{model}": folder / f"{model}.parquet" for model in models for name, folder in folders.items()}


def hashes(parameters: Mapping[str, object]) -> dict[str, str]:
    """Content hash of each value."""
    return {name: content_key(value=value) for name, value in parameters.items()}


def metadata(frame: pl.DataFrame, table: str, made: Made | None) -> dict[str, str]:
    """Key-value metadata of a file with these rows."""
    note = Note(table=table, rows=rows(frame), made=made)
    return {KEY: json.dumps(note.model_dump(exclude_none=True), sort_keys=True, separators=(",", ":"))}


def noted(file: Path) -> Note | None:
    """The note of a file; None where it has none, or another's. Raises TableError where it is no Parquet file."""
    try:
        found: dict[bytes, bytes] = pq.read_metadata(file).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise torn(file, error) from None
    try:
        return Note.model_validate_json(found[KEY.encode()])
    except (KeyError, ValidationError):
        return None


def content(path: Path) -> str:
    """Content hash of an input. A table counts by the rows that its note names, so that a note changes no note; other files by their bytes."""
    if path.is_dir():
        return content_key(files={file.relative_to(path).as_posix(): content(file) for file in walk(path)})
    with suppress(TableError):  # its reader says what is wrong with it
        if path.suffix == ".parquet" and (note := noted(path)):
            return note.rows
    found = blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                found.update(piece)
    except OSError:
        return "absent"
    return found.hexdigest()


def rows(frame: pl.DataFrame) -> str:
    """Content hash of the rows in their order, without pictures: of names, types and values, whatever library wrote them."""
    found = blake2b(digest_size=16)
    for column in frame.iter_columns():
        if column.name != PICTURE:
            found.update(f"{column.name}\0{column.len()}\0".encode())
            _add(found, column)
    return found.hexdigest()


def rows_of(file: Path) -> str:
    """The hash of the rows of a file as they are. Raises TableError."""
    try:
        names = [name for name in pl.read_parquet_schema(file) if name != PICTURE]
        return rows(pl.read_parquet(file, columns=names))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise torn(file, error) from None


def _add(found: _Hash, column: pl.Series) -> None:
    """Nulls, then lengths where values have some, then values."""
    found.update(column.is_null().to_numpy().tobytes())
    if isinstance(column.dtype, pl.List):
        lists = column.drop_nulls()
        found.update(b"list\0" + _numbers(lists.list.len()))
        _add(found, lists.filter(lists.list.len() > 0).explode())
    elif column.dtype.is_numeric() or column.dtype == pl.Boolean:
        found.update(f"{column.dtype}\0".encode() + column.drop_nulls().to_numpy().tobytes())
    else:
        words = column.drop_nulls().cast(pl.String)
        found.update(b"text\0" + _numbers(words.str.len_bytes()) + "".join(words.to_list()).encode())


def _numbers(lengths: pl.Series) -> bytes:
    found: Any = lengths.cast(pl.UInt64).to_numpy()
    return bytes(found.tobytes())
