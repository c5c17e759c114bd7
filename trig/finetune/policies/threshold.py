"""Rejection sampling, the published way: pictures whose scores are both high and balanced."""

from collections.abc import Sequence

import polars as pl

from trig.finetune.points import Points
from trig.finetune.policies.choice import Choice
from trig.params.finetune import Finetune

PUBLISHED = {"D-K_D-A": 0.39, "IQ-R_TA-C": 0.70, "TA-R_TA-S": 0.48}
"""Share of its pictures that the published training set keeps, by pair: 232 of 600, 699 of about 999, 717 of 1,500."""


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


def beside(parts: Sequence[Points], kept: int) -> str:
    """The share of judged pictures that pass, beside what the published training set kept."""
    own, pairs = kept / max(sum(points.rows.height for points in parts), 1), {str(points.pair) for points in parts}
    said = {pair: PUBLISHED[pair] for pair in sorted(pairs)} if pairs <= PUBLISHED.keys() else PUBLISHED
    return f"{own:.0%}; published: {', '.join(f'{name} {share:.0%}' for name, share in said.items())}"


def _passing(points: Points, settings: Finetune) -> tuple[list[int], list[int]]:
    x, y = pl.col("x"), pl.col("y")
    passes = (pl.min_horizontal(x, y) >= settings.keep_above) & ((x - y).abs() <= settings.max_gap)
    better = (x + y) >= (x + y).mean().over("task", "data_id")
    found = points.rows.with_row_index("index").select("index", passes=passes, better=better)
    return found.filter("passes", "better")["index"].to_list(), found.filter(~pl.col("passes"), ~pl.col("better"))["index"].to_list()
