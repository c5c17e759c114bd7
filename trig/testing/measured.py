"""Invented figures and diversity of pictures, in place of measured ones; deterministic."""

from pathlib import Path

import numpy as np
import polars as pl

from trig import tables
from trig.tables.figures import DIVERSITY, FIGURES
from trig.vocabulary.figures import Figure

LIKENESS = "invented"
DECIMALS = 6


def write(scores: pl.DataFrame, folder: Path) -> None:
    """Both tables of one model, as the stage leaves them."""
    tables.write(figures(scores), FIGURES, folder / "figures.parquet")
    tables.write(diversity(scores), DIVERSITY, folder / "diversity.parquet")


def figures(scores: pl.DataFrame) -> pl.DataFrame:
    """FIGURES of the scored pictures of one model."""
    rows = _pictures(scores)
    values = np.random.default_rng(len(rows["model"][0])).random((rows.height, len(Figure))).round(DECIMALS)
    found = rows.hstack(pl.DataFrame(values, schema=list(Figure)))
    return tables.check(found.with_columns(reason=pl.lit(None, pl.String)), FIGURES, "factory")


def diversity(scores: pl.DataFrame) -> pl.DataFrame:
    """DIVERSITY of the scored prompts of one model; null where a prompt has one picture."""
    rows = (
        _pictures(scores)
        .group_by("model", "task", "pair", "data_id", maintain_order=True)
        .agg(pictures=pl.len().cast(pl.Int32), key=pl.col("key").first())
    )
    share = pl.Series(np.random.default_rng(len(rows["model"][0])).random(rows.height).round(DECIMALS))
    several = pl.col("pictures") > 1
    found = rows.with_columns(
        vendi=pl.when(several).then(1 + share * (pl.col("pictures") - 1)),
        distance=pl.when(several).then(share),
        features=pl.lit(LIKENESS),
        reason=pl.when(~several).then(pl.lit("1 of 1 pictures: diversity takes 2")),
    )
    return tables.check(found, DIVERSITY, "factory")


def _pictures(scores: pl.DataFrame) -> pl.DataFrame:
    """A row per scored picture; its key is that of the images table."""
    own = scores.select("model", "task", "pair", "data_id", "number", key=pl.coalesce("image_key", "key"))
    return own.unique(["task", "data_id", "number"], keep="first", maintain_order=True)
