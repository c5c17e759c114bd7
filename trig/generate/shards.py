"""Shards of the images table: one file per task and pair, written when the last of its pictures is there, and linked into the stage's output."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

import polars as pl

from trig.errors import PictureError
from trig.files import rebuilding
from trig.generate.kept import Given, Kept
from trig.keys import content_key
from trig.params.models import Model
from trig.pictures import opened
from trig.tables import pictures
from trig.tables.images import IMAGES
from trig.tables.made import Made

SEALS = "shards"
"""Shelf of what finished shards looked like."""
SHARDING = 2
"""Cache version: raise it when a shard's columns or layout change."""
SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}


@dataclass(frozen=True, slots=True)
class Shard:
    """Rows of a shard that are wanted."""

    name: str  # of its file below the output folder
    key: str
    rows: pl.DataFrame


class Shards:
    """The shards of a model. Those that are finished and unchanged are linked, and not read."""

    def __init__(self, planned: pl.DataFrame, name: str, model: Model, kept: Kept, revision: str) -> None:
        self.name, self.model, self.kept, self.revision = name, model, kept, revision
        found = [_shard(name, part) for part in planned.partition_by("task", "pair", maintain_order=True)]
        self.damaged: set[str] = set()
        self.open = {shard.key: shard for shard in found}
        self.names = {shard.key: shard.name for shard in found}
        self._left = {shard.key: set(shard.rows["image_key"]) for shard in found}
        self._of: dict[str, list[str]] = {}
        for shard in found:
            for key in self._left[shard.key]:
                self._of.setdefault(key, []).append(shard.key)
        for key in list(self.open):
            if self._sealed(key):
                self._close(key)

    def bind(self, fresh: Iterable[str]) -> None:
        """Write the shards whose last pictures these are."""
        touched = dict.fromkeys(shard for key in fresh for shard in self._of.get(key, ()))
        for shard in touched:
            self._left[shard].difference_update(key for key in list(self._left[shard]) if self.kept.settled(key))
            if not self._left[shard] and shard in self.open:
                self._write(shard)

    def link(self, folder: Path) -> None:
        """Put all shards in place of what is in the output folder. One with a picture that may yet come has no seal: the next run writes it anew."""
        for key in list(self.open):
            self._bind(key)
        with rebuilding(folder) as part:
            for key, name in self.names.items():
                place = part / name
                place.parent.mkdir(parents=True, exist_ok=True)
                _link(self._file(key), place)

    def _write(self, key: str) -> None:
        """Write a shard whose pictures are all there. A damaged one leaves it open."""
        try:
            self._bind(key)
        except PictureError:
            self._left[key] = {one for one in self.open[key].rows["image_key"] if not self.kept.settled(one)}
            return
        self.kept.store.put(SEALS, {key: json.dumps(_stat(self._file(key))).encode()})
        self._close(key)

    def _bind(self, key: str) -> None:
        """Write a shard, of which the pictures then are. Raises PictureError."""
        wanted = self.open[key].rows["image_key"].to_list()
        self._put(self.open[key], self._file(key))
        self.kept.moved({one: row for row, one in enumerate(wanted) if self.kept.entries[one].file}, self._file(key))

    def _put(self, shard: Shard, place: Path) -> None:
        """Raises PictureError after all damaged pictures are forgotten, so that they are made again."""
        try:
            pictures.write(rows(shard.rows, self.name, self.model, self.kept), IMAGES, place, made(shard.rows, self.revision))
        except PictureError:
            for key in shard.rows["image_key"]:
                if not self.kept.sound(key):
                    self.kept.forget(key)
                    self.damaged.add(key)
            raise

    def _close(self, key: str) -> None:
        self._left[key] = set()
        del self.open[key]

    def _file(self, key: str) -> Path:
        return self.kept.shards / f"{key}.parquet"

    def _sealed(self, key: str) -> bool:
        """Whether the finished shard is here, untouched since it was written. Another is written anew, from pictures that are compared with their hashes."""
        file = self._file(key)
        seal = self.kept.store.get(SEALS, [key]).get(key)
        if seal is None or not file.exists():
            return False
        self.kept.store.touch(SEALS, [key])
        return bool(json.loads(seal) == _stat(file))


def made(planned: pl.DataFrame, revision: str) -> Made:
    """What made a shard, and nothing that does not decide it: the stage's other inputs, parameters and code would rewrite shards that are taken over.

    `revision`: the generator's, which holds its cache version.
    """
    prompts = content_key(prompts=planned.select("data_id", "number", "key").rows())
    seeds = content_key(seeds=planned["seed"].to_list())
    return Made(
        stage="generate",
        code=content_key(revision=revision, sharding=SHARDING),
        inputs={"prompts": prompts},
        parameters={"revision": revision, "seeds": seeds},
    )


def rows(planned: pl.DataFrame, name: str, model: Model, kept: Kept) -> Iterator[dict[str, object]]:
    """Rows of the images table, one per planned picture: the picture, or the reason for its absence. Raises PictureError for a damaged one."""
    columns = ("image_key", "task", "pair", "data_id", "number", "seed")
    for key, task, pair, data_id, number, seed in planned.select(columns).iter_rows():
        given = kept.given(key)
        shown = given.file is not None
        yield {
            **given.told,
            "model": name, "task": task, "pair": pair, "data_id": data_id, "number": number, "seed": seed, "key": key,
            "image": {"bytes": given.file, "path": f"{data_id}{f'-{number}' if number else ''}{_suffix(given)}"} if shown else None,
            "width": given.told["width"] or model.width, "height": given.told["height"] or model.height,
            "status": "ok" if shown else "null", "reason": given.reason,
        }  # fmt: skip


def _suffix(given: Given) -> str:
    return SUFFIXES[str(opened(given.file).format)] if given.file else ""


def _shard(name: str, part: pl.DataFrame) -> Shard:
    task, pair = part.select("task", "pair").row(0)
    wanted = part.select("data_id", "number", "seed", "image_key").rows()
    return Shard(f"{task}/{pair}.parquet", content_key(model=name, task=task, pair=pair, rows=wanted, sharding=SHARDING), part)


def _stat(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_size, found.st_mtime_ns]


def _link(file: Path, place: Path) -> None:
    """Hard link; a copy on another file system, or where links are full."""
    try:
        os.link(file, place)
    except OSError:
        copyfile(file, place)
