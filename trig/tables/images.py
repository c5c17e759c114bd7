"""Schema of generated images."""

import polars as pl

from trig.tables import Table
from trig.tables.kinds import PAIR, STATUS, TASK

PICTURE = pl.Struct({"bytes": pl.Binary, "path": pl.String})
IMAGES = Table(
    "images",
    {
        "model": pl.String,
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,
        "number": pl.Int32,  # which of a prompt's seeds, from 0
        "image": PICTURE,  # file bytes; `path` is a name and never a place; null where the model gave no picture
        "digest": pl.String,  # content hash of the file, 32 hex digits
        "seed": pl.UInt64,
        "width": pl.Int32,  # as a viewer shows it; where there is no picture, as the model was asked
        "height": pl.Int32,
        "status": STATUS,
        "reason": pl.String,  # why there is no picture
        "engine": pl.String,  # libraries that computed the picture
        "prompt_tokens": pl.Int64,  # prompt length in tokens of the model's tokenizer
        "tokens_read": pl.Int64,  # of these, tokens the model read; fewer: the prompt was truncated
        "key": pl.String,
    },
    ("model", "task", "data_id", "number"),
    frozenset({"image", "digest", "reason", "engine", "prompt_tokens", "tokens_read"}),
)
