"""Pictures to judge by hand: one file, a folder, or the rows of a table."""

import io
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from trig.dimensions import Task
from trig.errors import PictureError, TableError
from trig.files import walk
from trig.judge.ask import Files
from trig.pictures import SUFFIXES

TABLES = (".csv", ".parquet")
SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}
OTHERS = (".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".svg", ".ppm", ".psd")
"""Pictures of formats that are not read."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture and what it was made from."""

    image: Path
    prompt: str
    task: Task = Task.T2I
    source: Path | None = None  # the picture that was edited, or the subject


@dataclass(frozen=True, slots=True)
class Pile:
    """Samples in order. Satisfies `Gallery`. Raises PictureError when a file cannot be read."""

    samples: Sequence[Sample]

    def __len__(self) -> int:
        return len(self.samples)

    def read(self, places: Collection[int]) -> Iterator[tuple[int, Files]]:
        """In the order of the places."""
        for place in places:
            sample = self.samples[place]
            yield place, (_bytes(sample.image), None if sample.source is None else _bytes(sample.source))

    def names(self, place: int) -> tuple[str, str]:
        """The paths of the files."""
        return str(self.samples[place].image), str(self.samples[place].source)


def samples(target: Path, prompt: str | None, tell: Callable[[str], object] = deque) -> list[Sample]:
    """What `target` names: a picture, all pictures under a folder, or the rows of a CSV or Parquet table.

    A picture's prompt is `prompt`, or, where that is not given, the text file beside it with the same name. A table has the columns `image` and
    `prompt`, and may have `task` and `source`; its paths begin at its own folder. `tell` is given a line on the pictures of a folder that are
    passed over. Raises PictureError and TableError.
    """
    if target.suffix.lower() in TABLES and not target.is_dir():
        return _rows(target)
    found = _pictures(target, tell) if target.is_dir() else [target]
    return [Sample(file, _prompt(file) if prompt is None else prompt) for file in found]


def _pictures(folder: Path, tell: Callable[[str], object]) -> list[Path]:
    """The pictures under a folder, without hidden ones: other systems leave files there that are called pictures and are none."""
    seen, everything = walk(folder), walk(folder, hidden=True)
    found = [file for file in seen if file.suffix.lower() in SUFFIXES]
    hidden = [file for file in everything if file.suffix.lower() in SUFFIXES and file not in set(seen)]
    others = [file for file in seen if file.suffix.lower() in OTHERS]
    passed = [
        f"{len(files)} {what}, {files[0].relative_to(folder)} first"
        for files, what in ((hidden, "hidden"), (others, "of formats that are not read"))
        if files
    ]
    if passed:
        tell(f"{folder}: pictures that are passed over: {'; '.join(passed)}")
    if not found:
        raise PictureError(f"{folder}: there is no picture here; its files must end in {', '.join(SUFFIXES)}")
    return found


def _prompt(picture: Path) -> str:
    beside = picture.with_suffix(".txt")
    if not beside.is_file():
        raise PictureError(f"{picture}: its prompt is not known; give --prompt, or write it to {beside.name} beside it")
    try:
        return beside.read_text("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise PictureError(f"{beside}: this prompt is not UTF-8 text; write it as UTF-8") from None
    except OSError:
        raise PictureError(f"{beside}: it cannot be read") from None


def _rows(table: Path) -> list[Sample]:
    rows = _csv(table) if table.suffix.lower() == ".csv" else _parquet(table)
    for column in ("image", "prompt"):
        if column not in rows.columns:
            raise TableError(f"{table}: column {column!r} is missing; a row needs the path of an image and its prompt")
    if not rows.height:
        raise TableError(f"{table}: it has no rows; write one for each picture")
    return [_row(table, number, row) for number, row in enumerate(rows.iter_rows(named=True), 1)]


def _parquet(table: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(table)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{table}: not a readable table ({str(error).splitlines()[0]})") from None


def _csv(table: Path) -> pl.DataFrame:
    try:
        text = table.read_bytes()
        if text.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in text:
            raise TableError(f"{table}: it is UTF-16 text, or none at all; save it as CSV in UTF-8")
        head = next(iter(text.decode("utf-8-sig").splitlines()), "")
        if other := next((name for mark, name in SEPARATORS.items() if mark in head and "," not in head), None):
            raise TableError(f"{table}: its columns are separated by {other}; separate them by commas")
        found = pl.read_csv(io.BytesIO(text.removeprefix(b"\xef\xbb\xbf")), infer_schema=False)
    except UnicodeDecodeError:
        raise TableError(f"{table}: it is not UTF-8 text; save it as CSV in UTF-8") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{table}: not a readable table ({str(error).splitlines()[0]})") from None
    if twice := next((name for name in found.columns if name.endswith("_duplicated_0")), None):
        raise TableError(f"{table}: column {twice.removesuffix('_duplicated_0')!r} stands twice; name each column once")
    return found


def _row(table: Path, number: int, row: dict[str, object]) -> Sample:
    task = row.get("task") or Task.T2I.value
    if task not in list(Task):
        raise TableError(f"{table}: row {number}: task {task!r} is unknown; choose one of {', '.join(Task)}")
    for column in ("image", "prompt"):
        if not isinstance(row[column], str) or not row[column]:
            raise TableError(f"{table}: row {number}: column {column!r} is empty or no text; every row needs it")
    source = row.get("source")
    return Sample(table.parent / str(row["image"]), str(row["prompt"]), Task(str(task)), table.parent / str(source) if source else None)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise PictureError(f"{file}: {'there is no such file' if isinstance(error, FileNotFoundError) else 'it cannot be read'}") from None
