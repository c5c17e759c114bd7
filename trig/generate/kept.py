"""Pictures in the work store: parquet files (packs, and the shards of the images table), and an index that finds a picture by its key.

A picture is written to a pack when its batch is done, and once more when all of its shard are there; then the pack goes. A shard of the images table
is a hard link to the file here, and DVC's cache links it too, so that its bytes lie on the disk once.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trig.errors import PictureError, TableError
from trig.files import replace
from trig.keys import content_key
from trig.pictures import size, unseen
from trig.protocols.generator import Picture
from trig.protocols.refusal import Refusal
from trig.store import Store
from trig.tables import Table, pictures
from trig.tables.images import IMAGES
from trig.tables.sources import digest

INDEX = "images"
"""Shelf of the index."""
BATCHES = "batches"
"""Shelf of who was painted together: a picture's key → its batch, a batch → its keys."""
TOLD = ("digest", "width", "height", "engine", "prompt_tokens", "tokens_read")
PACK = Table("pictures", {name: IMAGES.columns[name] for name in ("key", "image", *TOLD)}, ("key",))
READ = ("key", "image.bytes", *TOLD)


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a picture is, or why there is none."""

    file: str | None = None  # below the folder of pictures
    row: int | None = None
    reason: str | None = None
    final: bool = True  # not to be asked for again
    engine: str | None = None  # of a refusal


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures that are painted together. Nothing is kept of a `spare` one: the others' last bits may depend on it."""

    keys: tuple[str, ...]
    spare: frozenset[str] = frozenset()

    @property
    def kept(self) -> list[str]:
        return [key for key in self.keys if key not in self.spare]


@dataclass(frozen=True, slots=True)
class Given:
    """What a model gave, with all that a row tells of it."""

    file: bytes | None
    reason: str | None
    told: Mapping[str, Any]  # the columns of TOLD


class Kept:
    """Pictures of one stage: `scope` names its packs, which no other stage may have."""

    def __init__(self, store: Store, scope: str) -> None:
        self.store, self.folder = store, folder_of(store)
        self.packs, self.shards = self.folder / "packs" / scope, self.folder / "shards" / scope
        self.plan = self.packs / "batches.json"
        self.entries: dict[str, Entry] = {}
        self._fresh: list[str] = []
        self._reader = pictures.Reader(READ)

    def look(self, keys: Iterable[str]) -> None:
        """Learn what is kept of these keys."""
        self.entries = {key: Entry(**json.loads(payload)) for key, payload in self.store.get(INDEX, keys).items()}
        there = {file: (self.folder / file).exists() for file in {entry.file for entry in self.entries.values()} if file}
        self.entries = {key: entry for key, entry in self.entries.items() if entry.file is None or there[entry.file]}

    def used(self) -> None:
        """Renew the time of last use, for `trig store --prune`."""
        self.store.touch(INDEX, self.entries)
        batches = self._batches(self.entries)
        self.store.touch(BATCHES, {*batches, *batches.values()})

    def settled(self, key: str) -> bool:
        """Whether there is a picture, or a final refusal."""
        return key in self.entries and self.entries[key].final

    def batches(self, missing: Sequence[str], size: int) -> list[Batch]:
        """Missing keys in batches. Those of pictures that were lost, and of a run that was killed, are formed again: rounding depends on the batch."""
        left = dict.fromkeys(missing)
        again = [Batch(keys, frozenset(keys) - lost) for keys, lost in self._recorded(missing).items()]
        for key in (key for batch in again for key in batch.kept):
            left.pop(key)
        fresh = [batch for batch in self._planned() if left.keys() >= set(batch)]
        for key in (key for batch in fresh for key in batch):
            left.pop(key, None)
        rest = list(left)
        fresh += [rest[start : start + size] for start in range(0, len(rest), size)]
        if fresh:
            replace(self.plan, json.dumps(fresh).encode())
        return again + [Batch(tuple(keys)) for keys in fresh]

    def _recorded(self, missing: Iterable[str]) -> dict[tuple[str, ...], set[str]]:
        """Batches in which missing pictures were painted once, and which of each are missing."""
        names: dict[str, set[str]] = {}
        for key, name in self._batches(missing).items():
            names.setdefault(name, set()).add(key)
        held = self.store.get(BATCHES, names)
        return {tuple(json.loads(keys)): names[name] for name, keys in held.items()}

    def _batches(self, keys: Iterable[str]) -> dict[str, str]:
        return {key: name.decode() for key, name in self.store.get(BATCHES, keys).items()}

    def _planned(self) -> list[list[str]]:
        try:
            found: list[list[str]] = json.loads(self.plan.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        return found

    def add(self, batch: Batch, made: Sequence[Picture | Refusal], engine: str) -> None:
        """Keep a batch whole."""
        given = {key: _decoded(each) for key, each in zip(batch.keys, made, strict=True) if key not in batch.spare}
        shown = {key: each for key, each in given.items() if isinstance(each, Picture)}
        pack = self.packs / f"{content_key(pack=list(given))}.parquet"
        if shown:
            pictures.write((_packed(key, each, engine) for key, each in shown.items()), PACK, pack)
            self._reader.forget(pack)
            name = content_key(batch=list(batch.keys))
            self.store.put(BATCHES, {name: json.dumps(batch.keys).encode(), **dict.fromkeys(shown, name.encode())})
        file = str(pack.relative_to(self.folder))
        rows = {key: row for row, key in enumerate(shown)}
        self._note(
            {
                key: Entry(file, rows[key]) if isinstance(each, Picture) else Entry(None, None, each.reason, each.final, engine)
                for key, each in given.items()
            }
        )
        self._fresh += given

    def fresh(self) -> list[str]:
        """Keys added since the last call."""
        given, self._fresh = self._fresh, []
        return given

    def given(self, key: str) -> Given:
        """What the model gave. Raises PictureError where the file is torn, or holds other bytes than were written."""
        entry = self.entries[key]
        if entry.file is None or entry.row is None:
            return Given(None, entry.reason, dict.fromkeys(TOLD) | {"engine": entry.engine})
        try:
            row = self._reader.row(self.folder / entry.file, entry.row)
        except TableError as error:
            raise PictureError(str(error)) from None
        file = pictures.picture(row)
        if row["key"] != key or file is None or digest(file) != row["digest"]:
            raise PictureError(f"{self.folder / entry.file}: the picture {key} is damaged; run again, and it is made again")
        return Given(file, None, {name: row[name] for name in TOLD})

    def sound(self, key: str) -> bool:
        """Whether `given` has an answer."""
        with suppress(PictureError):
            self.given(key)
            return True
        return False

    def moved(self, keys: Mapping[str, int], shard: Path) -> None:
        """Pictures that stand in these rows of a shard from now on. Packs that no entry names any more go."""
        self._reader.forget(shard)
        before = {entry.file for key in keys if (entry := self.entries[key]).file}
        self._note({key: Entry(str(shard.relative_to(self.folder)), row) for key, row in keys.items()})
        named = {entry.file for entry in self.entries.values()}
        for file in before - named:
            if file and (self.folder / file).is_relative_to(self.packs):
                self._drop(self.folder / file)

    def forget(self, key: str) -> None:
        """Let a damaged picture be made again."""
        self._note({key: Entry(reason="its file was damaged", final=False)})

    def finish(self) -> None:
        """Remove what a run that was killed has left."""
        self.plan.unlink(missing_ok=True)
        for folder in (self.packs, self.shards):
            for part in folder.glob(".*.part"):
                part.unlink()
        for pack in self.packs.glob("*.parquet"):
            self._drop(pack)

    def _drop(self, pack: Path) -> None:
        """Delete a pack unless the index, which other stages share, names it."""
        if not named(self.store, self.folder, pack):
            pack.unlink()

    def _note(self, entries: Mapping[str, Entry]) -> None:
        self.store.put(INDEX, {key: json.dumps(asdict(entry)).encode() for key, entry in entries.items()})
        self.entries.update(entries)


def folder_of(store: Store) -> Path:
    """Folder of packs and shards."""
    return store.path.parent / "pictures"


def named(store: Store, folder: Path, file: Path) -> bool:
    """Whether the index finds a picture in this file."""
    where = str(file.relative_to(folder))
    return any(Entry(**json.loads(payload)).file == where for payload in store.get(INDEX, keys_of(file)).values())


def keys_of(file: Path) -> list[str]:
    """Keys in a file; none where it is torn."""
    with suppress(TableError):
        return [str(row["key"]) for _, row in pictures.read(file, None, ("key",))]
    return []


def _decoded(given: Picture | Refusal) -> Picture | Refusal:
    """A picture that cannot be decoded is none."""
    if isinstance(given, Picture) and (refusal := unseen(given.file)):
        return refusal
    return given


def _packed(key: str, given: Picture, engine: str) -> dict[str, object]:
    width, height = size(given.file)
    return {
        "key": key,
        "image": {"bytes": given.file, "path": None},
        "digest": digest(given.file),
        "width": width,
        "height": height,
        "engine": engine,
        "prompt_tokens": given.prompt_tokens,
        "tokens_read": given.tokens_read,
    }
