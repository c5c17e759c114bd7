"""Schemas of prompting: the prompts that a model paints, and how they were found."""

from collections.abc import Mapping

import polars as pl

from trig.tables import Table
from trig.tables.kinds import DIMENSION, PAIR, RELATION, TASK

CARD = "prompting.json"
"""Its name, in the folder with these tables: base model, recipes per pair, pictures spent."""
RECIPE = ("relation", "recipe", "round", "candidate", "writer")
REWRITES = Table(
    "rewrites",
    {
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,
        "number": pl.Int32,  # which of a prompt's seeds, from 0
        "prompt": pl.String,  # as the run has it, and as the judge sees it
        "painted": pl.String,  # what the model paints
        "noise": pl.Int32,  # the number whose initial noise it begins with
        "relation": RELATION,  # of the pair, on train prompts; null where nothing was measured
        "instruction": pl.String,  # null where the relation asks for nothing
        "recipe": pl.String,  # operations of a grammar or manners of a language model, joined by +; null where the prompt stays
        "round": pl.Int32,  # in which the recipe was accepted; with `candidate` a row of the trials
        "candidate": pl.Int32,
        "writer": pl.String,  # what wrote the text
        "key": pl.String,  # of the prompt as the run has it
    },
    ("task", "data_id", "number"),
    frozenset({"instruction", *RECIPE}),
)
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
