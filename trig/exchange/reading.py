"""Records of published files: JSON, JSON lines and parquet, single or in a copy of the dataset's repository."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trig.errors import TableError
from trig.exchange import LFS, SPLITS
from trig.exchange.record import EXTRA, PICTURE, extra_fields, loaded
from trig.files import walk
from trig.vocabulary.dimensions import Task

KINDS = (".json", ".jsonl", ".parquet")
BATCH = 64
"""Parquet rows in memory at once: each may hold a picture."""


@dataclass(frozen=True, slots=True)
class Found:
    """A record and where it stands."""

    where: str
    file: Path
    task: Task
    record: object
    picture: bytes | None  # where the file holds it


def files(given: str) -> list[tuple[Path, Task | None]]:
    """Files that an argument names, each with its task where the argument or the file's name tells: `[TASK=]FILE`, or a folder. Raises TableError."""
    prefix, _, rest = given.partition("=")
    task, path = (Task(prefix), Path(rest)) if prefix in tuple(Task) else (None, Path(given))
    if path.is_dir():
        found = [(file, task or named(file)) for file in _readable(path) if task or named(file)]
        if not found:
            raise TableError(f"{path}: no file here has a split's name ({', '.join(SPLITS.values())}); name the files")
        return found
    if not path.is_file():
        raise TableError(f"{path}: there is no such file; name a JSON or parquet file, or a folder with some")
    if path.suffix not in KINDS:
        raise TableError(f"{path}: {path.suffix or 'no suffix'}: not a published format; name a {', '.join(KINDS)} file")
    return [(path, task or named(path))]


def passed_over(given: str) -> list[Path]:
    """Files of a folder that `files` leaves out, as nothing tells their task."""
    return [file for file in _readable(Path(given)) if not named(file)]


def _readable(folder: Path) -> list[Path]:
    return [file for file in walk(folder) if file.suffix in KINDS] if folder.is_dir() else []


def named(file: Path) -> Task | None:
    """Task whose split the name of a file, or of its folder, contains."""
    for part in (file.name, file.parent.name):
        for task, split in SPLITS.items():
            if split in part.lower().replace("-", "_"):
                return task
    return None


def records(file: Path, task: Task | None) -> Iterator[Found]:
    """Records of a file. Raises TableError."""
    if _begins(file) == LFS:
        raise TableError(f"{file}: a Git LFS pointer, which stands for the file; fetch it with `git lfs pull`")
    if file.suffix == ".parquet":
        yield from _parquet(file, task)
        return
    for number, record in enumerate(_json(file), 1):
        yield Found(f"{file}: row {number}", file, task or _told(record), record, None)


def _begins(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(len(LFS))
    except OSError as error:
        raise TableError(f"{file}: it cannot be read ({error.strerror}); allow it, or name another") from None


def _told(record: object) -> Task:
    """Task by the fields of a record: only subjects have an item, and only text-to-image says `dimension`."""
    said = record if isinstance(record, Mapping) else {}
    if said.get("item"):
        return Task.S2P
    return Task.T2I if "dimension" in said else Task.P2P


def _json(file: Path) -> Sequence[object]:
    try:
        text = file.read_text("utf-8-sig")
        if file.suffix == ".jsonl":
            return [loaded(line) for line in text.splitlines() if line.strip()]
        rows = loaded(text)
    except (ValueError, RecursionError) as error:
        raise TableError(f"{file}: not JSON ({str(error).splitlines()[0]}); save it as UTF-8 JSON, or name another") from None
    if not isinstance(rows, list):
        raise TableError(f"{file}: holds {type(rows).__name__} and must hold a list of records; name another")
    return rows


def _parquet(file: Path, task: Task | None) -> Iterator[Found]:
    try:
        opened = pq.ParquetFile(file)
        task = task or _told_by_columns(opened, file)
        columns = [field.name for field in opened.schema_arrow if task is not Task.T2I or not _photo(field)]
        number = 0
        for batch in opened.iter_batches(BATCH, columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield _found(file, number, task, row)
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{file}: not a readable parquet file ({str(error).splitlines()[0]}); fetch it anew, or name another") from None


def _photo(field: pa.Field) -> bool:
    """Whether a column holds the photos that captions of the text-to-image task belong to."""
    kind = field.type
    return field.name == PICTURE and bool(pa.types.is_struct(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _found(file: Path, number: int, task: Task, row: dict[str, Any]) -> Found:
    """A parquet row has a value for each column: null stands for a field that is not there."""
    where = f"{file}: row {number}"
    picture = row.pop(PICTURE, None)
    extra = extra_fields(row.pop(EXTRA, None), where)
    record = {name: value for name, value in row.items() if value is not None}
    held = picture.get("bytes") if isinstance(picture, dict) else picture
    if not isinstance(held, bytes) and picture is not None and picture != {"bytes": None, "path": None}:
        record[PICTURE] = picture  # such as an address
    if task is Task.T2I and "dimensions" in extra and "dimensions" in record and "dimension" not in record:
        record["dimension"] = record.pop("dimensions")  # the record had both
    if clash := sorted(extra.keys() & record.keys()):
        raise TableError(f"{where}: {EXTRA}: {clash[0]!r} has a column of its own; take it out of one of them")
    return Found(where, file, task, record | extra, held if isinstance(held, bytes) else None)


def _told_by_columns(opened: pq.ParquetFile, file: Path) -> Task:
    names = opened.schema_arrow.names
    if "item" in names and opened.read(columns=["item"])["item"].null_count < opened.metadata.num_rows:
        return Task.S2P
    if "dimension" in names:
        return Task.T2I
    raise TableError(f"{file}: neither its name nor its columns tell the task; write t2i=, p2p= or s2p= before it")
