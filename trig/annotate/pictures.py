"""Source pictures for editing and subject prompts, from a folder, shards of the sources table, or a parquet file with an `image` column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import polars as pl
from pydantic import TypeAdapter, ValidationError

from trig import tables
from trig.annotate.reading import BATCH, Reader, Spot, batches, picture, unreadable
from trig.annotate.wording import Entry, Said, complaint, load
from trig.errors import TableError
from trig.files import walk
from trig.pictures import SUFFIXES, decoded, size, unseen
from trig.protocols.refusal import Refusal
from trig.tables.sources import SOURCES, digest

NOTES = "sources.yaml"
UNSAID = "not said"
LOOSE = "it lies beside shards, which alone are read; move it to a folder of its own, or write it into a shard"
STRAY = "a parquet file among pictures is not read; name it alone in annotate.sources"


class Note(Entry):
    """What sources.yaml says of a picture file."""

    subject: Said | None = None
    other: Said | None = None
    place: Said | None = None
    item: Said | None = None
    description: Said | None = None
    tasks: list[Literal["p2p", "s2p"]] | None = None  # null: p2p, and s2p where it has an item


@dataclass(frozen=True, slots=True)
class Given:
    """Sources as they were found: `subject` is null where nobody described the picture yet."""

    rows: pl.DataFrame  # columns of the sources table; the pictures themselves are left out
    broken: Mapping[str, str]  # file → why it is no picture, or is not read
    reader: Reader


NONE = Given(pl.DataFrame(schema=dict(SOURCES.columns)), {}, Reader({}))
"""For a benchmark of prompts alone."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A file that should be a picture."""

    name: str  # it is told by this name where it is broken
    path: str
    file: bytes | Refusal
    spot: Spot
    note: Note
    source: str | None = None  # content hash, where a shard says one


def given(place: Path) -> Given:
    """Loads source pictures. Broken files are told, not lost. Raises TableError."""
    if not place.exists():
        raise TableError(f"{place}: there is no such folder; annotate.sources names pictures to edit and subjects to show")
    rows: dict[str, dict[str, Any]] = {}
    broken: dict[str, str] = {}
    spots: dict[str, Spot] = {}
    for found in _files(place):
        made = _row(found)
        if isinstance(made, Refusal):
            broken[found.name] = made.reason
        else:
            rows.setdefault(made["source"], made)
            spots.setdefault(made["source"], found.spot)
    return Given(pl.DataFrame(list(rows.values()), schema=dict(SOURCES.columns)), broken, Reader(spots))


def _files(place: Path) -> Iterator[_Found]:
    if place.is_file():
        yield from _of_table(place, place.name)
        return
    files = {str(file.relative_to(place)): file for file in walk(place)}
    shards = {name: file for name, file in files.items() if file.suffix == ".parquet"}
    if shards and all(SOURCES.columns.keys() <= set(_columns(file)) for file in shards.values()):
        tables.read(place, SOURCES.only(()))  # each picture stands once
        for name, file in shards.items():
            yield from _of_table(file, name)
        others = {name: LOOSE for name, file in files.items() if file.suffix.lower() in SUFFIXES or name == NOTES}
    else:
        yield from _of_folder(place, files)
        others = dict.fromkeys(shards, STRAY)
    for name, reason in others.items():
        yield _Found(name, name, Refusal(reason), Spot(files[name]), Note())


def _row(found: _Found) -> dict[str, Any] | Refusal:
    """A row of the sources table; why there is none for a file that is broken."""
    file, said = found.file, found.note.model_dump()
    if isinstance(file, Refusal):
        return file
    source = digest(file)
    if found.source not in (None, source):
        return Refusal("its bytes have another hash than the column source says; write the shard again")
    # the pixels of shards were decoded before they were written
    if isinstance(broken := unseen(file) if found.source else decoded(file), Refusal):
        return broken
    width, height = size(file)
    return {
        "source": source,
        "tasks": found.note.tasks or (["p2p", "s2p"] if found.note.item else ["p2p"]),
        "image": {"bytes": None, "path": PurePosixPath(found.path).name},
        "width": width,
        "height": height,
        **{column: said[column] for column in ("subject", "other", "place", "item", "description")},
        "origin": found.note.origin or UNSAID,
        "licence": found.note.licence or UNSAID,
    }


def _of_folder(folder: Path, files: Mapping[str, Path]) -> Iterator[_Found]:
    """Picture files under a folder, with what sources.yaml says of them."""
    notes = load(folder / NOTES, TypeAdapter(dict[str, Note])) if NOTES in files else {}
    read = {name: file for name, file in files.items() if file.suffix.lower() in SUFFIXES}
    if absent := sorted(notes.keys() - read.keys()):
        there = absent[0] in {str(file.relative_to(folder)) for file in walk(folder, hidden=True)}
        said = f"hidden files, and others than {', '.join(SUFFIXES)}, are not read" if there else "there is no such picture beside it"
        raise TableError(f"{folder / NOTES}: {absent[0]}: {said}; correct the name, or take the entry out")
    if not read:
        raise TableError(f"{folder}: there is no picture here; name a folder with {', '.join(SUFFIXES)} files, or a parquet file")
    for name, file in read.items():
        yield _Found(name, name, _bytes(file), Spot(file), notes.get(name, Note()))


def _bytes(file: Path) -> bytes | Refusal:
    try:
        return file.read_bytes()
    except OSError as error:
        return Refusal(f"it cannot be read ({error.strerror})")


def _of_table(path: Path, name: str) -> Iterator[_Found]:
    """Rows of a parquet file, as Hugging Face datasets write pictures: `image`, and the columns of a note and `source` where there are such."""
    columns = _columns(path)
    if "image" not in columns:
        raise TableError(f"{path}: column 'image' is missing; there is {', '.join(columns) or 'nothing'}")
    told = [column for column in Note.model_fields if column in columns]
    shard = SOURCES.columns.keys() <= set(columns)
    wanted = ["image", *told, *(["source"] if shard else [])]
    rows = (row for batch in batches(path, wanted) for row in batch)
    for number, row in enumerate(rows):
        cell, file = row["image"], picture(row["image"])
        if file is None:
            raise TableError(f"{path}: image: row {number} holds no picture's bytes; write the Image feature with its bytes, not a path")
        kept = cell.get("path") if shard and isinstance(cell, dict) else None
        where = f"{name}-{number}"
        note = _note({column: row[column] for column in told}, f"{path}: row {number}")
        name_in_shard = kept if isinstance(kept, str) else where
        yield _Found(where, name_in_shard, file, Spot(path, number // BATCH), note, str(row["source"]) if shard else None)


def _note(values: Mapping[str, object], where: str) -> Note:
    try:
        return Note.model_validate({name: None if value == "" else value for name, value in values.items()})
    except ValidationError as error:
        column, said = complaint(error)
        raise TableError(f"{where}: column {column!r}: {said}") from None


def _columns(path: Path) -> Sequence[str]:
    try:
        return list(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(path, error) from None
