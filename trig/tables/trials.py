"""Schemas of how rewritten prompts were found: candidates, and the train prompts that they painted."""

from collections.abc import Mapping

import polars as pl

from trig.tables import Table
from trig.tables.kinds import DIMENSION, PAIR, RELATION, TASK

_TRIED: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "task": TASK,
    "pair": PAIR,
    "relation": RELATION,
    "round": pl.Int32,  # 0: the prompts as they are
    "candidate": pl.Int32,
    "recipe": pl.String,
    "writer": pl.String,
}
HISTORY = Table(
    "history",
    {
        **_TRIED,
        "data_id": pl.String,
        "prompt": pl.String,
        "painted": pl.String,
        "x": pl.Float64,  # mean scores over seeds on the pair's dimensions
        "y": pl.Float64,
        "aimed": pl.Float64,  # mean over seeds of the figure that is to rise
    },
    ("task", "data_id", "round", "candidate"),
    frozenset({"x", "y", "aimed"}),
)
"""A row per train prompt and what it was painted as."""
TRIALS = Table(
    "trials",
    {
        **_TRIED,
        "prompts": pl.Int64,
        "gain": pl.Float64,  # mean change of the figure that is to rise, from the recipe in force, with its interval over prompts
        "gain_low": pl.Float64,
        "gain_high": pl.Float64,
        "whole": pl.Float64,  # the same from the prompts as they are
        "p": pl.Float64,  # of no gain
        "q": pl.Float64,  # the same among the trials of its round (Benjamini-Hochberg)
        "lost": pl.Int64,  # pictures that lack a score of the pair, and had one
        "fall": pl.Float64,  # largest fall of a dimension's mean from the prompts as they are
        "falls": DIMENSION,
        "accepted": pl.Boolean,
        "reason": pl.String,  # why not
    },
    ("task", "pair", "round", "candidate"),
    frozenset({"gain", "gain_low", "gain_high", "whole", "p", "q", "fall", "falls", "reason"}),
)
"""A row per candidate."""
