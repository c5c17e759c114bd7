"""Schema of the prompts table."""

from typing import Literal

import polars as pl

from trig.tables import Table
from trig.tables.kinds import PAIR, TASK

SPLIT = pl.Enum(["test", "train"])
PROMPTS = Table(
    "prompts",
    {
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,  # `<pair>_<n>`, n from 1
        "prompt": pl.String,
        "sub_prompts": pl.List(pl.String),  # two, in pair order; "" where a dimension needs no phrase
        "source": pl.String,  # caption id
        "annotator": pl.String,  # `template`, or the LLM's name
        "parent": pl.String,  # data_id of the prompt this is a copy or edit of
        "item": pl.String,  # s2p: noun phrase of the subject
        "source_image": pl.Binary,  # p2p, s2p: PNG bytes
        "split": SPLIT,
        "key": pl.String,  # content hash of all that determines the picture, except the model
    },
    ("task", "data_id", "split"),
    frozenset({"parent", "item", "source_image"}),
)


def split(prompts: pl.DataFrame, name: Literal["test", "train"]) -> pl.DataFrame:
    """Prompts of one split."""
    return prompts.filter(pl.col("split") == name)
