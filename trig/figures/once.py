"""Decodes each picture of a shard once for all that is to be read from it, and not at all where the store holds that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from trig.pictures import UNREADABLE, pixels
from trig.store import Store
from trig.tables import pictures


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read from a picture, and where it is kept."""

    shelf: str  # of the work store
    key: Callable[[str], str]  # content hash of the file → key
    read: Callable[[bytes | None, str | None, Image.Image | None], bytes]  # file, the hash its row names, pixels where it decodes → payload


def once(file: Path, hashes: Sequence[str | None], readings: Sequence[Reading], store: Store) -> list[list[bytes]]:
    """Payloads of each reading, one per row of a shard; `hashes`: what its rows name, None where they have no picture."""
    keys = [[None if named is None else reading.key(named) for named in hashes] for reading in readings]
    found = [store.get(reading.shelf, [key for key in own if key]) for reading, own in zip(readings, keys, strict=True)]
    for reading, known in zip(readings, found, strict=True):
        store.touch(reading.shelf, known)
    fresh = [{row for row, key in enumerate(own) if key is None or key not in known} for own, known in zip(keys, found, strict=True)]
    read: list[dict[int, bytes]] = [{} for _ in readings]
    kept: list[dict[str, bytes]] = [{} for _ in readings]
    for row, shown in pictures.read(file, set().union(*fresh)):
        there = pictures.picture(shown)
        decoded = None if there is None else _decoded(there)
        for index, reading in enumerate(readings):
            if row not in fresh[index]:
                continue
            read[index][row] = payload = reading.read(there, hashes[row], decoded)
            if (key := keys[index][row]) and there is not None:
                kept[index][key] = payload
    for reading, payloads in zip(readings, kept, strict=True):
        store.put(reading.shelf, payloads)
    return [
        [own[row] if row in own else known[str(key)] for row, key in enumerate(names)]
        for own, known, names in zip(read, found, keys, strict=True)
    ]


def _decoded(file: bytes) -> Image.Image | None:
    try:
        return pixels(file)
    except UNREADABLE:
        return None
