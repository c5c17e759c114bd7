"""Schema of published rows: what the published record of a prompt says that the prompts table does not, as it was written."""

import polars as pl

from trig.tables import Table
from trig.tables.kinds import TASK

PUBLISHED = Table(
    "published",
    {
        "task": TASK,
        "data_id": pl.String,  # pair in canonical order: the key in the prompts table
        "published_id": pl.String,
        "dimensions": pl.List(pl.String),  # two, in the order of the record
        "prompt": pl.String,
        "sub_prompts": pl.List(pl.String),  # two, in the order of the record
        "parent_dataset": pl.List(pl.String),  # where the text comes from, and Origin, Auto or Human
        "item": pl.String,
        "img_id": pl.String,  # t2i: the photo the caption belongs to; else the picture to edit, or of the subject
        "target_group": pl.String,  # of toxic editing and subject prompts
        "text": pl.String,
        "extra": pl.String,  # JSON object: fields without a column here, and fields that are null
        "reason": pl.String,  # why the row is not in the prompts table; null where it is
    },
    ("task", "data_id"),
    frozenset({"item", "img_id", "target_group", "text", "extra", "reason"}),
)
