"""Pictures of published rows: found in folders or in the rows, and each looked at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from trig.errors import TableError
from trig.exchange import LFS, SPLITS
from trig.pictures import decoded
from trig.protocols.refusal import Refusal
from trig.tables.sources import SOURCES, digest
from trig.vocabulary.dimensions import Task

FOLDER = "images"
"""Folder beside an exported JSON file, with a folder per split."""


def split_folder(task: Task) -> str:
    """Where exported pictures of a task lie, beside its JSON file."""
    return f"{FOLDER}/{SPLITS[task].replace('_', '-')}"


def inside(name: str) -> bool:
    """Whether a relative name stays below the folder it is joined to."""
    return bool(name) and "\0" not in name and not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts


class Album:
    """Source pictures by content hash."""

    def __init__(self, folders: Mapping[Task, Sequence[Path]], origin: str, licence: str) -> None:
        self.folders, self._origin, self._licence = folders, origin, licence
        self._rows: dict[str, dict[str, Any]] = {}
        self._refused: dict[str, Refusal] = {}
        self._read: dict[Path, str | Refusal] = {}

    def named(self, img_id: str | None, task: Task, beside: Path, item: str | None) -> str | Refusal:
        """Hash of the picture that a JSON row names, or why it has none."""
        if not img_id or not inside(img_id):
            return Refusal("its img_id names no file below the folder of pictures")
        if not (folders := self.folders.get(task)):
            if not (folder := beside / split_folder(task)).is_dir():
                raise TableError(f"{beside}: the {task} rows need their pictures; name the folder by --images {task}=FOLDER")
            folders = (folder,)
        try:
            found = [path for folder in folders if (path := folder / img_id).is_file()]
        except OSError as error:  # such as a name that is too long
            return Refusal(f"its picture cannot be read ({error.strerror})")
        if not found:
            return Refusal("its picture is not in the folder of pictures")
        hashes = [self._file(path, item) for path in found]
        if any(each != hashes[0] for each in hashes):
            return Refusal("two folders hold different pictures of its name")
        return hashes[0]

    def _file(self, path: Path, item: str | None) -> str | Refusal:
        if path not in self._read:
            try:
                self._read[path] = self.add(path.read_bytes(), path.name, item)
            except OSError as error:
                self._read[path] = Refusal(f"its picture cannot be read ({error.strerror})")
        known = self._read[path]
        return known if isinstance(known, Refusal) else self._with_item(known, item)

    def add(self, file: bytes, name: str, item: str | None) -> str | Refusal:
        """Hash of a picture, or why no model can see it."""
        source = digest(file)
        if source in self._refused:
            return self._refused[source]
        if source not in self._rows:
            if file.startswith(LFS):
                return Refusal("its picture is a Git LFS pointer; fetch it with `git lfs pull`")
            if isinstance(picture := decoded(file), Refusal):
                return self._refused.setdefault(source, picture)
            image = {"bytes": file, "path": PurePosixPath(name).name}
            self._rows[source] = {"source": source, "image": image, "width": picture.width, "height": picture.height, "item": None}
        return self._with_item(source, item)

    def _with_item(self, source: str, item: str | None) -> str:
        """Notes the subject of a picture; the first row that names one decides."""
        self._rows[source]["item"] = self._rows[source]["item"] or item
        return source

    def table(self, used: Mapping[tuple[str, str], str | None]) -> pl.DataFrame:
        """The sources table; `used`: task and data_id → picture. Published data do not describe what a picture shows, but for the subject's name."""
        tasks: dict[str, set[str]] = {}
        for (task, _), source in used.items():
            if source is not None:
                tasks.setdefault(source, set()).add(str(task))
        told = {"other": None, "place": "", "description": None, "origin": self._origin, "licence": self._licence}
        rows = [row | told | {"subject": row["item"] or "", "tasks": sorted(tasks.get(row["source"], ()))} for row in self._rows.values()]
        return pl.DataFrame(rows, schema=dict(SOURCES.columns))
