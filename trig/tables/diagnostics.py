"""Schema of the diagnostics table: how a judge came to each score. Other scorers have no rows in it."""

import polars as pl

from trig.tables import Table
from trig.tables.scores import SCORES

NAMES = ("model", "task", "pair", "data_id", "number", "dimension", "scorer")
"""What names a score in both tables."""
DIAGNOSTICS = Table(
    "diagnostics",
    {
        **{name: SCORES.columns[name] for name in NAMES},
        "confidence": pl.Float64,  # C = max p
        "off_mass": pl.Float64,  # probability outside all grades, 0..1
        "p": pl.List(pl.Float64),  # softmax over the grades, worst to best (Eq. 1)
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
        "canary_noise": pl.Float64,  # noise floor: largest difference of p between equal questions in other batches; null where not measured
    },
    SCORES.key,
    frozenset("confidence off_mass p engine dtype mode tokens cached picture_tokens judged_width judged_height canary_noise".split()),
)
DIAGNOSED = Table(
    "scores",
    {**SCORES.columns, **DIAGNOSTICS.columns},
    SCORES.key,
    SCORES.nullable | frozenset(DIAGNOSTICS.columns.keys() - SCORES.columns.keys()),
)
"""Scores with their diagnostics, which are null for a scorer without any. In memory only."""
SCORED_BY = pl.coalesce("judge", "scorer").alias("scored_by")
"""Judge with its revision, or the name of another scorer, of DIAGNOSED rows."""


def diagnosed(scores: pl.DataFrame, diagnostics: pl.DataFrame) -> pl.DataFrame:
    """Left join of the two tables, which may have fewer columns: DIAGNOSED."""
    own = diagnostics.drop("pair", strict=False)  # the scores have it
    rest = own.drop(SCORES.key)
    if scores.select(SCORES.key).equals(own.select(SCORES.key)):  # a judge's tables have the same rows: no need to look for the partner
        return scores.hstack(rest)
    return scores.join(own, on=SCORES.key, how="left", maintain_order="left")
