"""Schema of rewritten prompts: those that a model paints."""

import polars as pl

from trig.tables import Table
from trig.tables.kinds import PAIR, RELATION, TASK

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
