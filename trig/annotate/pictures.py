"""Source pictures for editing and subject prompts, from a folder, shards of the sources table, or a parquet file with an `image` column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import TypeAdapter

from trig import tables
from trig.annotate.wording import Entry, Words, load
from trig.errors import TableError
from trig.files import walk
from trig.pictures import SUFFIXES, decoded, size
from trig.protocols.refusal import Refusal
from trig.tables.sources import SOURCES, digest

NOTES = "sources.yaml"
UNSAID = "not said"
FILES = 16
"""Pictures decoded at a time."""


class Note(Entry):
    """What sources.yaml says of a picture file."""

    subject: Words | None = None
    other: Words | None = None
    place: Words | None = None
    item: Words | None = None
    description: Words | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """Sources as they were found: `subject` is null where nobody described the picture yet."""

    rows: pl.DataFrame  # columns of the sources table
    broken: Mapping[str, str]  # file → why it is no picture


def given(place: Path) -> Given:
    """Loads source pictures. Broken files are told, not lost. Raises TableError."""
    if not place.exists():
        raise TableError(f"{place}: there is no such folder; annotate.sources names pictures to edit and subjects to show")
    shards = tables.shards(place) if place.is_dir() else [place]
    if shards and all(set(SOURCES.columns) <= set(_columns(file)) for file in shards):
        return Given(tables.read(place, SOURCES), {})
    found = _of_table(place) if place.is_file() else _of_folder(place)
    rows: dict[str, dict[str, Any]] = {}
    broken: dict[str, str] = {}
    for name, file, note in found:
        seen = decoded(file)
        if isinstance(seen, Refusal):
            broken[name] = seen.reason
        else:
            rows.setdefault(digest(file), _row(name, file, note))
    return Given(pl.DataFrame(list(rows.values()), schema=dict(SOURCES.columns)), broken)


def _row(name: str, file: bytes, note: Note) -> dict[str, Any]:
    width, height = size(file)
    said = note.model_dump()
    return {
        "source": digest(file),
        "image": {"bytes": file, "path": Path(name).name},
        "width": width,
        "height": height,
        **{column: said[column] for column in ("subject", "other", "place", "item", "description")},
        "origin": note.origin or UNSAID,
        "licence": note.licence or UNSAID,
    }


def _of_folder(folder: Path) -> Iterator[tuple[str, bytes, Note]]:
    """Picture files under a folder, with what sources.yaml says of them."""
    notes = load(folder / NOTES, TypeAdapter(dict[str, Note])) if (folder / NOTES).is_file() else {}
    files = {str(file.relative_to(folder)): file for file in walk(folder) if file.suffix.lower() in SUFFIXES}
    if absent := sorted(notes.keys() - files.keys()):
        raise TableError(f"{folder / NOTES}: {absent[0]}: there is no such picture beside it; correct the name, or take the entry out")
    if not files:
        raise TableError(f"{folder}: there is no picture here; name a folder with {', '.join(SUFFIXES)} files, or a parquet file")
    for name, file in files.items():
        yield name, file.read_bytes(), notes.get(name, Note())


def _of_table(path: Path) -> Iterator[tuple[str, bytes, Note]]:
    """Rows of a parquet file, as Hugging Face datasets write pictures: `image`, and item or description where there are such columns."""
    columns = _columns(path)
    if "image" not in columns:
        raise TableError(f"{path}: column 'image' is missing; there is {', '.join(columns) or 'nothing'}")
    told = [name for name in Note.model_fields if name in columns]
    for number, row in enumerate(pl.scan_parquet(path).select("image", *told).collect(engine="streaming").iter_rows(named=True)):
        picture = row["image"]
        file = picture.get("bytes") if isinstance(picture, dict) else picture
        if not isinstance(file, bytes):
            raise TableError(f"{path}: image: row {number} holds no picture's bytes; write the Image feature with its bytes, not a path")
        yield f"{path.name}-{number}", file, Note.model_validate({name: row[name] or None for name in told})


def _columns(path: Path) -> Sequence[str]:
    try:
        return list(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{path}: not a readable parquet file ({str(error).splitlines()[0]}); write it again, or name another") from None
