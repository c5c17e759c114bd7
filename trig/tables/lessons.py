"""Schema of the lessons that an adapter is trained on."""

import polars as pl

from trig.params.finetune import POLICIES
from trig.tables import Table
from trig.tables.kinds import PAIR, TASK

LESSONS = Table(
    "lessons",
    {
        "lesson": pl.Int32,  # from 0
        "place": pl.Int32,  # of a picture in a list, 0 the best; else 0
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,
        "number": pl.Int32,  # which candidate of the prompt, from 0
        "prompt": pl.String,
        "digest": pl.String,  # content hash of the picture: of a pair, the winner's
        "seed": pl.UInt64,
        "x": pl.Float64,  # expected scores of the picture on the pair's dimensions, the mean over scorers
        "y": pl.Float64,
        "good": pl.Boolean,  # false: a picture to avoid
        "loser_number": pl.Int32,
        "loser_digest": pl.String,  # null: no pair, or a pair of texts, whose picture is one
        "loser_seed": pl.UInt64,
        "loser_prompt": pl.String,  # where it is not `prompt`
        "x_change": pl.Float64,  # from the loser to the winner
        "y_change": pl.Float64,
        "preference": pl.Float64,  # probability, by the scorers' grades, that the winner is preferred, the mean over both dimensions
        "gain": pl.Float64,  # of a picture in a list: mean probability that it is preferred to another of the list
        "confidence": pl.Float64,  # mean C of a picture, multiplied over winner and loser
        "agreement": pl.Float64,  # share of scorers and dimensions with the sign of the mean change; of a vote, of scorers for it
        "weight": pl.Float64,
        "reason": pl.String,
        "policy": pl.Enum(POLICIES),
        "scorer": pl.String,  # joined by +
        "model": pl.String,  # that painted the pictures
    },
    ("lesson", "place"),
    frozenset("loser_number loser_digest loser_seed loser_prompt x_change y_change preference gain".split()),
)
