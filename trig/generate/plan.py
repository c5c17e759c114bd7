"""Which pictures are wanted, each with its seed and cache key."""

from hashlib import blake2b

import polars as pl

from trig.keys import content_key
from trig.protocols.generator import Generator, Order, Row, revisions
from trig.tables.prompts import numbered

ROW = ("task", "pair", "data_id", "number")
"""Columns that say which row of the images table a picture is for."""
NOISE = ("noise_key", "noise")
"""Columns with the prompt key and number whose seed a row has, where these are not its own."""


def seed_of(seed: int, prompt_key: str, number: int = 0) -> int:
    """Seed of a picture, 0 to 2**63 - 1: a hash of run seed, prompt key and number. Models share the initial noise; copies share a picture."""
    said = f"{seed}/{prompt_key}" + (f"/{number}" if number else "")
    return int.from_bytes(blake2b(said.encode(), digest_size=8).digest()) >> 1


def plan(wanted: pl.DataFrame, generator: Generator, seed: int, seeds: int = 1) -> pl.DataFrame:
    """A row per prompt and number, 0 to `seeds` - 1, numbers together, with the seed and cache key of its picture.

    Rows that bring a `number` and a key of their own keep both: their key alone decides the seed, or the columns of NOISE where they have them.
    """
    own = "number" in wanted.columns
    rows = wanted if own else numbered(wanted, seeds)
    of = rows.select(NOISE) if set(NOISE) <= set(rows.columns) else rows.select("key", pl.lit(0) if own else "number")
    drawn = [seed_of(seed, key, number) for key, number in of.iter_rows()]
    named = zip(rows["prompt"], drawn, rows.select(ROW).iter_rows(), strict=True)
    decides = revisions(generator, [Order(prompt, one, row=Row(*row)) for prompt, one, row in named])
    images = [content_key(model=each, prompt=key, seed=one) for each, key, one in zip(decides, rows["key"], drawn, strict=True)]
    return rows.with_columns(pl.Series("seed", drawn, pl.UInt64), pl.Series("image_key", images, pl.String))
