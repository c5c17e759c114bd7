"""What decoding shows of pictures. One whose hash was seen before is not read again."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from PIL import Image

from trig.figures.once import Reading, once
from trig.keys import content_key
from trig.store import Store
from trig.tables.sources import digest

LOOKING = 1
"""Cache version: raise it when what is seen of a picture changes."""


class Seen(NamedTuple):
    """Statistics of a decoded picture. None where it cannot be decoded or is missing."""

    intact: bool | None  # its bytes have the hash that its row names
    decodes: bool | None  # as PNG, WebP or JPEG
    seen_size: str | None  # `width x height`
    spread: float | None  # largest standard deviation of a channel, 0..127.5


def looks(file: Path, hashes: Sequence[str | None], store: Store) -> pl.DataFrame:
    """A row of `Seen` per row of a shard; `hashes`: what its rows name, None where they have no picture."""
    [found] = once(file, hashes, [LOOK], store)
    return pl.DataFrame(
        [Seen(*json.loads(payload)) for payload in found],
        schema={"intact": pl.Boolean, "decodes": pl.Boolean, "seen_size": pl.String, "spread": pl.Float64},
        orient="row",
    )


def _key(named: str) -> str:
    return content_key(digest=named, looking=LOOKING)


def _look(file: bytes | None, named: str | None, shown: Image.Image | None) -> bytes:
    return json.dumps(_see(file, named, shown)).encode()


def _see(file: bytes | None, named: str | None, shown: Image.Image | None) -> Seen:
    if file is None:
        return Seen(None, None, None, None)
    intact = digest(file) == named
    if shown is None:
        return Seen(intact, False, None, None)
    width, height = shown.size
    return Seen(intact, True, f"{width} x {height}", float(np.asarray(shown, dtype=np.float64).std(axis=(0, 1)).max()))


LOOK = Reading("looks", _key, _look)
"""What the gate reads from a picture."""
