"""What is to be painted."""

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
        "sub_prompts": pl.List(pl.String),  # two, in the order of the pair; "" where the prompt needs no phrase for a dimension
        "source": pl.String,  # where the caption came from
        "annotator": pl.String,  # what wrote the prompt: `template`, or the LLM's name
        "parent": pl.String,  # data_id of the prompt this one was copied or edited from
        "item": pl.String,  # s2p: the subject's noun phrase
        "source_image": pl.Binary,  # p2p, s2p: PNG bytes
        "split": SPLIT,
        "key": pl.String,  # hash of everything the generated picture depends on, but the model
    },
    ("task", "data_id", "split"),
    frozenset({"parent", "item", "source_image"}),
)


def split(prompts: pl.DataFrame, name: Literal["test", "train"]) -> pl.DataFrame:
    """The prompts of one split."""
    return prompts.filter(pl.col("split") == name)
