"""Diversity of a prompt's pictures over its seeds, before and after tuning."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from trig.figures.measured import diversities
from trig.pictures import pixels
from trig.protocols.features import Features
from trig.tables.figures import DIVERSITY
from trig.tables.prompts import numbered, split


def asked(prompts: pl.DataFrame, count: int, seeds: int) -> pl.DataFrame:
    """Test prompts, spread evenly over all, a row for each of their seeds; the first is that of the roster's picture."""
    test = split(prompts, "test").unique("key", keep="first", maintain_order=True).sort("task", "pair", "data_id")
    if test.height > count:
        test = test[np.linspace(0, test.height - 1, count).round().astype(int)]
    return numbered(test, seeds).with_columns(noise_key="key", noise="number")


def spread(images: pl.DataFrame, features: Features, seeds: int, model: str) -> pl.DataFrame:
    """DIVERSITY of these pictures."""
    rows = images.with_columns(model=pl.lit(model))
    files: Sequence[bytes | None] = rows["image"].struct.field("bytes").to_list()
    vectors = [b"" if file is None else features.of([pixels(file)])[0].astype("<f4").tobytes() for file in files]
    return pl.DataFrame(list(diversities(rows, vectors, seeds, features)), schema=dict(DIVERSITY.columns), orient="row")
