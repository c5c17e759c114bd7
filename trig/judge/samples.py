"""Pictures to judge by hand: one file, a folder, or the rows of a table."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from trig.dimensions import Task
from trig.errors import PictureError, TableError
from trig.judge.ask import Files

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
TABLES = (".csv", ".parquet")


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


def samples(target: Path, prompt: str | None) -> list[Sample]:
    """What `target` names: a picture, all pictures under a folder, or the rows of a CSV or Parquet table.

    A picture's prompt is `prompt`, or, where that is not given, the text file beside it with the same name. A table has the columns `image` and
    `prompt`, and may have `task` and `source`; its paths begin at its own folder. Raises PictureError and TableError.
    """
    if target.suffix.lower() in TABLES:
        return _rows(target)
    found = sorted(file for file in target.rglob("*") if file.suffix.lower() in PICTURES) if target.is_dir() else [target]
    if not found:
        raise PictureError(f"{target}: there is no picture here; its files must end in {', '.join(PICTURES)}")
    return [Sample(file, _prompt(file) if prompt is None else prompt) for file in found]


def _prompt(picture: Path) -> str:
    beside = picture.with_suffix(".txt")
    if not beside.is_file():
        raise PictureError(f"{picture}: its prompt is not known; give --prompt, or write it to {beside.name} beside it")
    try:
        return beside.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise PictureError(f"{beside}: this prompt is not UTF-8 text; write it as UTF-8") from None
    except OSError:
        raise PictureError(f"{beside}: it cannot be read") from None


def _rows(table: Path) -> list[Sample]:
    try:
        rows = pl.read_csv(table, infer_schema=False) if table.suffix.lower() == ".csv" else pl.read_parquet(table)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{table}: not a readable table ({str(error).splitlines()[0]})") from None
    for column in ("image", "prompt"):
        if column not in rows.columns:
            raise TableError(f"{table}: column {column!r} is missing; a row needs the path of an image and its prompt")
    return [_row(table, number, row) for number, row in enumerate(rows.iter_rows(named=True), 1)]


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
