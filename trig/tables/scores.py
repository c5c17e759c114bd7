"""How pictures were judged."""

import polars as pl

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
        "score_trig": pl.Float64,  # C·S (Eq. 3)
        "expected": pl.Float64,  # S (Eq. 2)
        "stderr": pl.Float64,  # standard error of S, where answers were sampled
        "confidence": pl.Float64,  # C, the largest p
        "off_mass": pl.Float64,  # probability outside all grades, 0..1
        "p": pl.List(pl.Float64),  # one per grade, worst to best; sums to 1
        "status": STATUS,
        "reason": pl.String,  # why there is no score
        "judge": pl.String,  # name@revision
        "engine": pl.String,  # the software that computed the answer
        "dtype": pl.String,  # the numbers it did so in, such as float32; a server does not tell
        "mode": pl.String,  # exact: over the full vocabulary; top: of the likeliest tokens, off_mass is an upper bound; sampled: counted answers
        "rubric": pl.String,  # hash of the question's text
        "tokens": pl.Int64,  # of the question, pictures included
        "cached": pl.Int64,  # of these, how many the server had computed before
        "picture_tokens": pl.Int64,  # of `tokens`, how many stand for pictures, the source picture among them; a server does not tell
        "scale": pl.String,  # the grades, worst to best
        "max_pixels": pl.Int64,  # larger pictures were made smaller
        "reference_image": pl.String,  # whether the judge was sent the source picture
        "judged_width": pl.Int32,  # pixels of the picture that the judge was sent
        "judged_height": pl.Int32,
        "image_key": pl.String,
        "key": pl.String,
    },
    ("model", "task", "data_id", "number", "dimension", "scorer"),
    frozenset(
        "score_trig expected stderr confidence off_mass p reason engine dtype mode tokens cached picture_tokens judged_width judged_height".split()
    ),
)


def distinct(scores: pl.DataFrame) -> pl.DataFrame:
    """The scores with each model's answers once: a question about a picture that stands in several pairs was asked once."""
    return scores.unique(["model", "key"], keep="first", maintain_order=True)
