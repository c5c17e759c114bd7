"""Schema of the scores table: TRIGScore per picture and dimension."""

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
        "confidence": pl.Float64,  # C = max p
        "off_mass": pl.Float64,  # probability outside all grades, 0..1
        "p": pl.List(pl.Float64),  # softmax over the grades, worst to best (Eq. 1)
        "status": STATUS,
        "reason": pl.String,  # why there is no score
        "judge": pl.String,  # name@revision
        "engine": pl.String,  # inference engine that computed the answer
        "dtype": pl.String,  # compute dtype, such as float32; null where a server does not report it
        "mode": pl.String,  # exact: full vocabulary; top: top-k logprobs, off_mass is an upper bound; sampled: counted answers
        "rubric": pl.String,  # hash of the rubric
        "tokens": pl.Int64,  # prompt tokens, pictures included
        "cached": pl.Int64,  # of these, from the server's prefix cache
        "picture_tokens": pl.Int64,  # of `tokens`, picture tokens, source picture included; null where not reported
        "scale": pl.String,  # grades, worst to best
        "max_pixels": pl.Int64,  # larger pictures are downscaled
        "reference_image": pl.String,  # whether the source picture is sent to the judge
        "judged_width": pl.Int32,  # pixels of the picture as sent
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
    """Scores without duplicates: a picture that belongs to several pairs is judged once per model."""
    return scores.unique(["model", "key"], keep="first", maintain_order=True)
