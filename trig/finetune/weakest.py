"""Ranks a model's pairs by weakness."""

import polars as pl

from trig.errors import TableError
from trig.params.finetune import Finetune
from trig.vocabulary.dimensions import Pair


def ranking(scores: pl.DataFrame, settings: Finetune) -> pl.DataFrame:
    """One row per pair, weakest first: `lower`, the mean of min(x, y) of expected scores, and `keep_share`, the acceptance rate.

    A low `lower` is a bottleneck, or a tilt's short side. Threshold-independent, so a change of thresholds retrains nothing. Samples that
    lack a score are left out.
    """
    dimension, pair = pl.col("dimension").cast(pl.String), pl.col("pair").cast(pl.String).str.split("_")
    both = scores.group_by("task", "pair", "data_id", "number", maintain_order=True).agg(
        x=pl.col("expected").filter(dimension == pair.list.first()).first(),
        y=pl.col("expected").filter(dimension == pair.list.last()).first(),
    )
    lower = pl.min_horizontal("x", "y")
    return (
        both.drop_nulls(["x", "y"])
        .with_columns(lower=lower, kept=(lower >= settings.keep_above) & ((pl.col("x") - pl.col("y")).abs() <= settings.max_gap))
        .group_by("pair", maintain_order=True)
        .agg(pl.col("lower").mean(), keep_share=pl.col("kept").mean(), n=pl.len())
        .sort("lower", "pair")
    )


def weakest(scores: pl.DataFrame, settings: Finetune, where: str) -> tuple[list[Pair], pl.DataFrame]:
    """Pairs to repair, the weakest with enough accepted pictures first, and the ranking. Raises TableError when there is none."""
    ranked = ranking(scores, settings)
    if settings.pair != "weakest":
        return [Pair.parse(settings.pair)], ranked
    learnable = ranked.filter(pl.col("keep_share") >= settings.min_keep_share)["pair"]
    if learnable.is_empty():
        raise TableError(
            f"{where}: no pair has {settings.min_keep_share:.0%} of pictures to learn from; lower finetune.keep_above or finetune.min_keep_share"
        )
    return [Pair.parse(pair) for pair in learnable], ranked
