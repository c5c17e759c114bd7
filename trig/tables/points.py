"""Schema of the points table: both scores of each sample of a pair."""

import polars as pl

from trig.tables import Table
from trig.tables.kinds import PAIR, TASK

POINTS = Table(
    "points",
    {
        "model": pl.String,
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,
        "number": pl.Int32,  # which of a prompt's seeds, from 0
        "x": pl.Float64,  # score on the first dimension of the pair
        "y": pl.Float64,  # on the second
    },
    ("model", "task", "pair", "data_id", "number"),
    frozenset({"x", "y"}),
)
