"""Figures of a model's pictures, and the diversity of each prompt's, a shard at a time."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from PIL import Image

from trig import tables
from trig.figures.measures import MEASURING, figures
from trig.figures.once import Reading, once
from trig.keys import content_key
from trig.protocols.features import Features
from trig.stats.diversity import mean_distance, vendi
from trig.store import Store
from trig.tables import pictures
from trig.tables.figures import DIVERSITY, FIGURES
from trig.tables.images import IMAGES
from trig.vocabulary.figures import Figure

NAMES = IMAGES.only(["model", "task", "pair", "data_id", "number", "digest", "reason", "key"])
FEWEST = 2
"""Fewest pictures that differ from each other."""
DECIMALS = 6
"""Decimals of diversity that are kept: eigenvalues differ in the last bits between machines."""
UNDECODABLE = "the picture cannot be decoded"


class Measured(NamedTuple):
    """What is measured of a model's pictures."""

    figures: pl.DataFrame  # FIGURES
    diversity: pl.DataFrame  # DIVERSITY


def measured(folder: Path, seeds: int, features: Features, store: Store, others: Sequence[Reading] = ()) -> Measured:
    """Measures the shards of a model. `others` is read from the same decoded pictures, and kept in the store.

    With one picture per prompt there is no diversity, and features are not computed.
    """
    readings = [MEASURED, *([_featuring(features)] if seeds > 1 else []), *others]
    found = [_shard(file, seeds, features, readings, store) for file in tables.files(folder, IMAGES)]
    return Measured(*(pl.concat(parts) for parts in zip(*found, strict=True)))


def _shard(file: Path, seeds: int, features: Features, readings: Sequence[Reading], store: Store) -> Measured:
    rows = tables.check(pictures.told(file, IMAGES), NAMES, str(file))
    values, *rest = once(file, rows["digest"].to_list(), readings, store)
    told = pl.DataFrame(
        [json.loads(payload) or dict.fromkeys(Figure) for payload in values], schema=dict.fromkeys(Figure, pl.Float64), orient="row"
    )
    unreadable = pl.when(pl.col(Figure.EDGES).is_null()).then(pl.coalesce("reason", pl.lit(UNDECODABLE)))
    own = rows.hstack(told).with_columns(reason=unreadable).select(list(FIGURES.columns))
    vectors = rest[0] if seeds > 1 else [b""] * rows.height
    diverse = pl.DataFrame(list(diversities(rows, vectors, seeds, features)), schema=dict(DIVERSITY.columns), orient="row")
    return Measured(own, diverse)


def diversities(rows: pl.DataFrame, vectors: Sequence[bytes], seeds: int, features: Features) -> Iterator[dict[str, object]]:
    """A row of DIVERSITY per prompt."""
    numbered = rows.with_row_index("index").sort("number", maintain_order=True)
    for (model, task, pair, data_id), own in numbered.group_by("model", "task", "pair", "data_id", maintain_order=True):
        there = [index for index in own["index"] if vectors[index]]
        shown = own["digest"].drop_nulls().to_list()
        whole = np.stack([np.frombuffer(vectors[index], dtype="<f4") for index in there]).astype(np.float64) if there else np.empty((0, 1))
        enough = len(there) >= FEWEST
        yield {
            "model": model,
            "task": task,
            "pair": pair,
            "data_id": data_id,
            "pictures": len(shown),
            "vendi": round(vendi(whole), DECIMALS) if enough else None,
            "distance": round(mean_distance(whole), DECIMALS) if enough else None,
            "features": features.name,
            "reason": None if enough else f"{len(shown)} of {seeds} pictures: diversity takes {FEWEST}",
            "key": content_key(pictures=shown, features=features.revision),
        }


def _measure(_: bytes | None, __: str | None, shown: Image.Image | None) -> bytes:
    return json.dumps(None if shown is None else figures(shown)).encode()


MEASURED = Reading("figures", lambda named: content_key(digest=named, measuring=MEASURING), _measure)


def _featuring(features: Features) -> Reading:
    """Features as float32; no byte where a picture has none."""

    def read(_: bytes | None, __: str | None, shown: Image.Image | None) -> bytes:
        return b"" if shown is None else features.of([shown])[0].astype("<f4").tobytes()

    return Reading("features", lambda named: content_key(digest=named, features=features.revision), read)
