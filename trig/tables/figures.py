"""Schemas of the figures tables: weight-free figures of each picture, and the diversity of each prompt's pictures."""

import polars as pl

from trig.tables import Table
from trig.tables.kinds import PAIR, TASK
from trig.vocabulary.figures import Figure

FIGURES = Table(
    "figures",
    {
        "model": pl.String,
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,
        "number": pl.Int32,  # which of a prompt's seeds, from 0
        **dict.fromkeys(Figure, pl.Float64),  # trig/vocabulary/about_figures.py says what each is
        "reason": pl.String,  # why there are no figures
        "key": pl.String,  # of the picture, as in the images table
    },
    ("model", "task", "data_id", "number"),
    frozenset({*Figure, "reason"}),
)
DIVERSITY = Table(
    "diversity",
    {
        "model": pl.String,
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,
        "pictures": pl.Int32,  # of the prompt, one per seed; those that are missing are not counted
        "vendi": pl.Float64,  # Vendi score, 1 (all alike) to `pictures`
        "distance": pl.Float64,  # mean cosine distance of any two
        "features": pl.String,  # what likeness means
        "reason": pl.String,  # why there is no diversity
        "key": pl.String,  # content hash of the pictures and the features
    },
    ("model", "task", "data_id"),
    frozenset({"vendi", "distance", "reason"}),
)
