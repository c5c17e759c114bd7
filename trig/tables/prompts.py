"""Schema of the prompts table, and its splits."""

from typing import Literal

import polars as pl

from trig.tables import Table
from trig.tables.kinds import PAIR, TASK

SPLIT = pl.Enum(["test", "train"])
ROUTE = pl.Enum(["combine", "refine", "expand", "copy"])
PROMPTS = Table(
    "prompts",
    {
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,  # `<pair>_<n>`, n from 1
        "prompt": pl.String,
        "sub_prompts": pl.List(pl.String),  # two, in pair order; "" where a dimension needs no phrase
        "caption": pl.String,  # id of the caption, or of the source picture's description
        "route": ROUTE,  # how it was written
        "template": pl.String,  # frames used; null where a model wrote it
        "annotator": pl.String,  # `template`, or the language model
        "parent": pl.String,  # data_id of the prompt this is a copy or edit of
        "item": pl.String,  # s2p: noun phrase of the subject
        "source": pl.String,  # p2p, s2p: content hash of the source picture, a row of the sources table
        "split": SPLIT,
        "key": pl.String,  # content hash of all that determines the picture, except the model
    },
    ("task", "data_id", "split"),
    frozenset({"template", "parent", "item", "source"}),
)


def split(prompts: pl.DataFrame, name: Literal["test", "train"]) -> pl.DataFrame:
    """Prompts of one split."""
    return prompts.filter(pl.col("split") == name)


def numbered(prompts: pl.DataFrame, seeds: int) -> pl.DataFrame:
    """A row per prompt and seed, with a column `number`: 0 to `seeds` - 1."""
    return prompts.join(pl.select(number=pl.int_range(seeds, dtype=pl.Int32)), how="cross", maintain_order="left_right")
