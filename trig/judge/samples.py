"""Loads pictures to judge: a file, a folder, or the rows of a table."""

import csv
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import polars as pl

from trig.errors import FileError, PictureError, TableError
from trig.files import walk
from trig.judge.calls import Files, Looked, looked
from trig.pictures import SUFFIXES
from trig.text import blank
from trig.vocabulary.dimensions import Task

NEEDED = ("image", "prompt")
"""Required columns."""
SEPARATORS = {";": "';'", "\t": "a tab", "|": "'|'"}
"""Unsupported column separators with their names."""
SPREADSHEETS = "sep="
"""Separator declaration line of spreadsheets."""
MARKS = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
"""Byte order marks other than UTF-8's; a longer one precedes its own prefix."""
TABLES = (".csv", ".parquet")
NO_TABLES = (".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".xls", ".xlsx", ".ods", ".arrow", ".feather")
"""Unsupported table formats."""
OTHERS = (".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".svg", ".ppm", ".psd")
"""Unsupported image formats."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Picture with its prompt."""

    image: Path
    prompt: str
    task: Task = Task.T2I
    source: Path | None = None  # picture that was edited, or the subject's reference picture


@dataclass(frozen=True, slots=True)
class Pile:
    """In-memory list of samples. Satisfies `Gallery`. Raises PictureError when a file cannot be read."""

    samples: Sequence[Sample]
    altered: str = "changed while it was judged; run again"

    def __len__(self) -> int:
        return len(self.samples)

    def read(self, places: Collection[int]) -> Iterator[tuple[int, Files]]:
        """In the given order."""
        for index in places:
            sample = self.samples[index]
            yield index, (_bytes(sample.image), None if sample.source is None else _bytes(sample.source))

    def looked(self) -> Iterator[tuple[int, Looked]]:
        """Reads every file."""
        for index, files in self.read(range(len(self))):
            yield index, looked(files)

    def names(self, index: int) -> tuple[str, str]:
        """File paths."""
        return str(self.samples[index].image), str(self.samples[index].source)


def samples(target: Path, prompt: str | None, tell: Callable[[str], object] | None = None) -> list[Sample]:
    """Samples of `target`: a picture, all pictures under a folder, or the rows of a CSV or Parquet table.

    A picture's prompt is `prompt`, else the text file of the same name beside it. A table has the columns `image` and `prompt`, optionally
    `task` and `source`; paths are relative to the table. `tell` is a callback for the message on skipped pictures. Raises PictureError and
    TableError.
    """
    if target.suffix.lower() in TABLES and not target.is_dir():
        return _rows(target)
    if target.suffix.lower() in NO_TABLES and not target.is_dir():
        raise TableError(f"{target}: tables are read as CSV with commas and as Parquet; save it as one of them")
    if prompt is not None and blank(prompt):
        raise PictureError("--prompt: it is blank; give the words that the picture was made from")
    found = _pictures(target, tell) if target.is_dir() else [target]
    if odd := next((file for file in found if not _sayable(file)), None):
        raise PictureError(f"{odd}: no table can hold this name, which is not UTF-8; rename the file")
    return [Sample(file, _prompt(file) if prompt is None else prompt) for file in found]


def _pictures(folder: Path, tell: Callable[[str], object] | None) -> list[Path]:
    """Pictures under a folder, without hidden files (such as macOS `._` resource forks)."""
    seen = walk(folder)
    found = [file for file in seen if file.suffix.lower() in SUFFIXES]
    hidden = _hidden(folder, {*seen})
    others = [file for file in seen if file.suffix.lower() in OTHERS]
    passed = [
        f"{len(files)} {what}, {files[0].relative_to(folder)} first"
        for files, what in ((hidden, "hidden"), (others, "of formats that are not read"))
        if files
    ]
    if passed and tell:
        tell(f"{folder}: pictures that are passed over: {'; '.join(passed)}")
    if not found:
        raise PictureError(f"{folder}: there is no picture here; its files must end in {', '.join(SUFFIXES)}")
    return found


def _hidden(folder: Path, seen: Collection[Path]) -> list[Path]:
    """Hidden picture files, only counted; unreadable hidden folders are ignored."""
    with suppress(FileError):
        return [file for file in walk(folder, hidden=True) if file.suffix.lower() in SUFFIXES and file not in seen]
    return []


def _sayable(file: Path) -> bool:
    """Whether the path is valid UTF-8."""
    try:
        return bool(str(file).encode())
    except UnicodeEncodeError:
        return False


def _prompt(picture: Path) -> str:
    beside = picture.with_suffix(".txt")
    if not beside.is_file():
        raise PictureError(f"{picture}: its prompt is not known; give --prompt, or write it to {beside.name} beside it")
    try:
        said = beside.read_text("utf-8-sig").strip()
    except UnicodeDecodeError:
        said = "\0"
    except OSError:
        raise PictureError(f"{beside}: it cannot be read") from None
    if "\0" in said:
        raise PictureError(f"{beside}: this prompt is not UTF-8 text; write it as UTF-8")
    if blank(said):
        raise PictureError(f"{beside}: this prompt is blank; write the words that the picture was made from")
    return said


def _rows(table: Path) -> list[Sample]:
    rows: Sequence[Mapping[str, object]] = _csv(table) if table.suffix.lower() == ".csv" else _parquet(table)
    if not rows:
        raise TableError(f"{table}: it has no rows; write one for each picture")
    return [_row(table, number, row) for number, row in enumerate(rows, 1)]


def _parquet(table: Path) -> list[dict[str, object]]:
    try:
        rows = pl.read_parquet(table, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{table}: not a readable table ({str(error).splitlines()[0]})") from None
    _check_columns(table, rows.columns)
    return rows.to_dicts()


def _csv(table: Path) -> list[dict[str, str]]:
    """Rows of a comma-separated CSV; short rows lack their last columns."""
    text = _text(table)
    _check_separator(table, text)
    lines = csv.reader(StringIO(text, newline=""), strict=True)
    rows: list[dict[str, str]] = []
    try:
        heads = next(lines, [])
        _check_columns(table, heads)
        for line in filter(None, lines):
            if len(line) > len(heads):
                raise TableError(
                    f"{table}: line {lines.line_num}: {len(line)} fields for {len(heads)} columns; put a text with commas in quotes"
                )
            rows.append(dict(zip(heads, line, strict=False)))
    except csv.Error as error:
        raise TableError(f"{table}: line {lines.line_num}: no sound CSV ({error}); mend its quotes and line ends") from None
    return rows


def _text(table: Path) -> str:
    try:
        content = table.read_bytes()
        encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "UTF-16" if b"\0" in content[:4] else None)
        if encoding:
            raise TableError(f"{table}: this is {encoding} text; save it as UTF-8")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TableError(f"{table}: line {line}: not UTF-8 text (byte 0x{content[error.start]:02x}); save it as UTF-8") from None
    except OSError as error:
        raise TableError(f"{table}: not a readable table ({error.strerror})") from None


def _check_separator(table: Path, text: str) -> None:
    """Raises TableError where the separator is not a comma."""
    first = text.partition("\n")[0].strip("\r")
    if first.casefold().startswith(SPREADSHEETS):
        raise TableError(f"{table}: line 1: {first!r} is for spreadsheets; take it away, and save the rest with commas")
    for separator, name in SEPARATORS.items():
        with suppress(csv.Error):
            heads = next(csv.reader([first], delimiter=separator), [])
            if {*NEEDED} <= {head.strip().casefold() for head in heads}:
                raise TableError(f"{table}: its columns are separated by {name}; save it with commas, and texts that have commas in quotes")


def _check_columns(table: Path, heads: Sequence[str]) -> None:
    if not any(heads):
        raise TableError(f"{table}: it is empty; its first line must name its columns, such as image,prompt")
    for column in NEEDED:
        if column not in heads:
            like = next((head for head in heads if head.strip().casefold() == column), None)
            raise TableError(
                f"{table}: column {column!r} is missing; "
                + ("a row needs the path of an image and its prompt" if like is None else f"rename {like!r}")
            )
    if twice := [head for index, head in enumerate(heads) if head and head in heads[:index]]:
        raise TableError(f"{table}: column {twice[0]!r} stands twice; keep one")


def _row(table: Path, number: int, row: Mapping[str, object]) -> Sample:
    task = row.get("task") or Task.T2I.value
    if task not in list(Task):
        raise TableError(f"{table}: row {number}: task {task!r} is unknown; choose one of {', '.join(Task)}")
    for column in NEEDED:
        if not isinstance(said := row.get(column), str) or blank(said):
            raise TableError(f"{table}: row {number}: column {column!r} is empty or no text; every row needs it")
    source = row.get("source")
    return Sample(table.parent / str(row["image"]), str(row["prompt"]), Task(str(task)), table.parent / str(source) if source else None)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: null byte in the path
        raise PictureError(f"{file}: {'there is no such file' if isinstance(error, FileNotFoundError) else 'it cannot be read'}") from None
