"""Diversity of a prompt's pictures over its seeds, before and after tuning."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from trig.figures.measured import diversities
from trig.judge.album import Album
from trig.judge.run import SEED, Painted
from trig.pictures import pixels
from trig.protocols.features import Features
from trig.protocols.refusal import Refusal
from trig.tables.figures import DIVERSITY
from trig.tables.images import PICTURE
from trig.tables.prompts import numbered, split
from trig.tables.sources import Library

COLUMNS = ("model", "task", "pair", "data_id", "number", "image", "digest")
"""What diversity is measured from, of IMAGES."""


def asked(prompts: pl.DataFrame, count: int, seeds: int) -> pl.DataFrame:
    """Test prompts, spread evenly over all, a row for each of their seeds; the first is that of the roster's picture."""
    test = split(prompts, "test").unique("key", keep="first", maintain_order=True).sort("task", "pair", "data_id")
    if test.height > count:
        test = test[np.linspace(0, test.height - 1, count).round().astype(int)]
    return numbered(test, seeds).with_columns(noise_key="key", noise="number")


def shown(wanted: pl.DataFrame, library: Library, album: Album) -> pl.DataFrame:
    """Pictures that the images table has of these. None of them is painted anew, though the work store has lost it: its last bits depend on its batch."""
    painted = Painted(wanted.join(album.names, on=SEED, how="semi", maintain_order="left"), library, album)
    files = {index: None if isinstance(found, Refusal) else found[0] for index, found in painted.read(range(len(painted)))}
    images = [files[index] and {"bytes": files[index], "path": ""} for index in range(len(painted))]
    return painted.rows.with_columns(image=pl.Series(images, dtype=PICTURE)).select(COLUMNS)


def in_order(wanted: pl.DataFrame, *images: pl.DataFrame) -> pl.DataFrame:
    """Pictures from several places, in the order of `wanted`."""
    return wanted.select(SEED).join(pl.concat([each.select(COLUMNS) for each in images]), on=SEED, how="left", maintain_order="left")


def spread(images: pl.DataFrame, features: Features, seeds: int, model: str) -> pl.DataFrame:
    """DIVERSITY of these pictures."""
    rows = images.with_columns(model=pl.lit(model))
    files: Sequence[bytes | None] = rows["image"].struct.field("bytes").to_list()
    vectors = [b"" if file is None else features.of([pixels(file)])[0].astype("<f4").tobytes() for file in files]
    return pl.DataFrame(list(diversities(rows, vectors, seeds, features)), schema=dict(DIVERSITY.columns), orient="row")
