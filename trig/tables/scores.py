"""Schema of the scores table: what any scorer gives a picture on a dimension."""

import polars as pl

from trig.errors import TableError
from trig.tables import Table
from trig.tables.kinds import DIMENSION, PAIR, STATUS, TASK

SCORES = Table(
    "scores",
    {
        "model": pl.String,
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,
        "number": pl.Int32,  # which of a prompt's seeds, from 0
        "dimension": DIMENSION,
        "scorer": pl.String,  # what gave the score: a judge's name
        # C·S (Eq. 3). A scorer without a confidence C, such as CLIPScore, repeats `expected`: a null would count as a missing score.
        "score_trig": pl.Float64,
        "expected": pl.Float64,  # S (Eq. 2), or another scorer's score in 0..1
        "stderr": pl.Float64,  # standard error of S, where answers were sampled
        "status": STATUS,
        "reason": pl.String,  # why there is no score
        "image_key": pl.String,
        "key": pl.String,  # content hash of what decides the score
    },
    ("model", "task", "data_id", "number", "dimension", "scorer"),
    frozenset({"score_trig", "expected", "stderr", "reason"}),
)
CELL = ("task", "data_id", "number", "dimension")
"""What one model's score is of."""


def distinct(scores: pl.DataFrame) -> pl.DataFrame:
    """Scores without duplicates: a picture that belongs to several pairs is judged once per model. Equal pictures of two seeds both count."""
    return scores.unique(["model", "number", "key"], keep="first", maintain_order=True)


def one_scorer(scores: pl.DataFrame, where: str) -> pl.DataFrame:
    """One model's scores as they are. Raises TableError when two scorers scored a picture on one dimension: a point cloud takes one."""
    if scores["scorer"].n_unique() > 1:
        twice = scores.filter(scores.select(CELL).is_duplicated()).sort(*CELL, "scorer")
        if twice.height:
            both = " and ".join(map(repr, twice["scorer"].head(2)))
            raise TableError(
                f"{where}: column 'scorer' holds {both} for {'/'.join(map(str, twice.select(CELL).row(0)))}; keep the rows of one"
            )
    return scores
