"""Schema of the rejected drafts."""

import polars as pl

from trig.tables import Table
from trig.tables.prompts import PROMPTS

CHECKS = (
    "written",  # the language model gave a prompt
    "length",  # within annotate.max_tokens, and not blank
    "language",  # in the material's language
    "readable",  # sentences a person reads without effort; no markup, no control characters
    "shown",  # both sub-prompts show, in words or to the language model
    "recovered",  # blind recovery: the language model names both dimensions among ten
    "plain",  # no word that betrays the evaluation
    "private",  # names no real private person
    "safe",  # no unsafe content outside R-T
    "distinct",  # no near-duplicate of another prompt of the task, and none across splits
    "reviewed",  # accepted by people, where a review is given
)
"""Checks in the order they are made; a draft is rejected by the first it fails."""
NAMES = ("task", "pair", "split", "prompt", "sub_prompts", "caption", "route", "template", "annotator", "item", "source")
REJECTED = Table(
    "rejected",
    {
        **{name: PROMPTS.columns[name] for name in NAMES},
        "slot": pl.Int32,  # number of the prompt it was drafted for
        "round": pl.Int32,  # tries before it
        "check": pl.Enum(CHECKS),
        "reason": pl.String,
        **dict.fromkeys(CHECKS, pl.Boolean),  # null: not made
    },
    ("task", "pair", "split", "slot", "round"),
    frozenset({"template", "item", "source", *CHECKS}),
)
