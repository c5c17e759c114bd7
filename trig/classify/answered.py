"""Threshold-independent part of metrics.json: prompt counts and mean scores."""

from typing import Any

import polars as pl

from trig.tables.scores import distinct


def answered(scores: pl.DataFrame, prompts: pl.DataFrame) -> dict[str, Any]:
    """Prompts per split; per model: count, nulls, null reasons, mean score per dimension. Means are over distinct answers, without nulls."""
    told = distinct(scores.select("model", "number", "key", "dimension", "score_trig", "expected", "reason"))
    return {
        "prompts": dict(sorted(prompts["split"].cast(pl.String).value_counts().iter_rows())),
        "models": {str(model): _answered(own) for (model,), own in sorted(told.partition_by("model", as_dict=True).items())},
    }


def _answered(scores: pl.DataFrame) -> dict[str, object]:
    return {
        "n": scores["score_trig"].count(),
        "nulls": scores["score_trig"].null_count(),
        "reasons": dict(sorted(scores["reason"].drop_nulls().value_counts().iter_rows())),
        "dimensions": _means(scores),
    }


def _means(scores: pl.DataFrame) -> dict[str, dict[str, float]]:
    found = scores.group_by("dimension").agg(
        n=pl.col("score_trig").count(),
        nulls=pl.col("score_trig").null_count(),
        score_trig=pl.col("score_trig").sort().mean().round(4),
        expected=pl.col("expected").sort().mean().round(4),
    )
    return {str(row.pop("dimension")): row for row in found.sort("dimension").to_dicts()}
