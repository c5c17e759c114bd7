"""Rejection sampling, the published way: pictures whose scores are both high and balanced."""

import polars as pl

from trig.finetune.points import Points
from trig.finetune.policies.choice import Choice
from trig.params.finetune import Finetune


def choose(points: Points, settings: Finetune) -> list[Choice]:
    """Pictures that pass, and are on average at least their prompt's mean; for a loss that learns from bad ones too, those that neither pass nor are.

    The per-prompt baseline keeps the adapter from learning easy prompts instead of picture quality.
    """
    kept, refused = _passing(points, settings)
    limits = f"keep_above {settings.keep_above:g} and max_gap {settings.max_gap:g}"
    good = [Choice((index,), f"passes {limits}, no worse than its prompt's mean") for index in kept]
    if settings.form == "samples":
        return good
    return good + [Choice((index,), f"fails {limits}, worse than its prompt's mean", good=False) for index in refused]


def kept(points: Points, settings: Finetune) -> list[int]:
    """Points that pass."""
    return _passing(points, settings)[0]


def _passing(points: Points, settings: Finetune) -> tuple[list[int], list[int]]:
    x, y = pl.col("x"), pl.col("y")
    passes = (pl.min_horizontal(x, y) >= settings.keep_above) & ((x - y).abs() <= settings.max_gap)
    better = (x + y) >= (x + y).mean().over("task", "data_id")
    found = points.rows.with_row_index("index").select("index", passes=passes, better=better)
    return found.filter("passes", "better")["index"].to_list(), found.filter(~pl.col("passes"), ~pl.col("better"))["index"].to_list()
