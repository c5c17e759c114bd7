"""Expectation suite of a model's scores."""

from collections.abc import Mapping

import polars as pl

from trig.gates import expect
from trig.vocabulary.dimensions import Dimension

LABEL = ("model", "task", "data_id", "dimension")
NUMBERS = ("score_trig", "expected", "confidence", "off_mass")


def views(prompts: pl.DataFrame, scores: pl.DataFrame, model: str, max_null_share: float) -> list[expect.View]:
    """Views of one model's scores."""
    texts = scores.with_columns(pl.col("task", "pair", "dimension", "status").cast(pl.String))
    asked = (
        prompts.filter(pl.col("split") == "test")
        .select(pl.col("task", "pair").cast(pl.String), "data_id")
        .with_columns(model=pl.lit(model))
    )
    return [
        expect.View("scores", _rows(texts, asked), LABEL, _of_a_score(), tuple(expect.mixture(texts["engine"], "scores"))),
        expect.View("test prompts", _samples(texts, asked), LABEL[:3], _of_a_prompt()),
        expect.View("dimensions", _dimensions(texts), ("model", "dimension"), _of_a_dimension(max_null_share)),
    ]


def _of_a_score() -> Mapping[str, expect.Check]:
    return {
        **{f"{column} is in [0, 1]": expect.share(column) for column in NUMBERS},
        "every score belongs to the model and to one of its test prompts": expect.holds("asked"),
        "p holds at least two grades, each in [0, 1]": expect.holds("p_is_sound"),
        "p sums to 1": expect.between("p_sum", 1 - expect.ROUNDING, 1 + expect.ROUNDING),
        "the confidence is the largest p": expect.between("off_largest_p", None, expect.ROUNDING),
        "score_trig is confidence times expected": expect.between("off_product", None, expect.ROUNDING),
        "a score that is ok has all its numbers, and one that is null has no score": expect.holds("numbers_fit"),
        "a reason stands exactly where the status is null": expect.holds("reason_fits"),
        "every key is 32 hex digits": expect.key("key"),
        "every image key is 32 hex digits": expect.key("image_key"),
    }


def _of_a_prompt() -> Mapping[str, expect.Check]:
    return {
        "every test prompt was asked about both its dimensions": expect.among("of_its_pair", [2]),
        "every test prompt was asked about two dimensions or all ten": expect.among("dimensions", [2, len(Dimension)]),
    }


def _of_a_dimension(max_null_share: float) -> Mapping[str, expect.Check]:
    return {f"at most {max_null_share:.0%} of a dimension's scores are null": expect.between("null_share", None, max_null_share)}


def _rows(scores: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """One flat row per score, with derived columns to validate."""
    on = ["model", "task", "pair", "data_id"]
    ok = pl.col("status") == "ok"
    p = pl.col("p")
    reason = pl.col("reason").fill_null("") != ""
    return (
        scores.join(asked.with_columns(asked=True), on=on, how="left", maintain_order="left")
        .with_columns(
            pl.col("asked").fill_null(False),
            p_sum=p.list.sum(),
            p_is_sound=(p.list.len() >= 2) & (p.list.min() >= 0) & (p.list.max() <= 1 + expect.ROUNDING),
            off_largest_p=(pl.col("confidence") - p.list.max()).abs(),
            off_product=(pl.col("score_trig") - pl.col("confidence") * pl.col("expected")).abs(),
            numbers_fit=pl.when(ok).then(pl.all_horizontal(pl.col(*NUMBERS, "p").is_not_null())).otherwise(pl.col("score_trig").is_null()),
            reason_fits=reason != ok,
        )
        .drop("p")
    )


def _samples(scores: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Number of dimensions judged per test prompt."""
    on = ["model", "task", "pair", "data_id"]
    of_pair = pl.col("dimension").is_in(pl.col("pair").str.split("_"))
    counts = scores.with_columns(of_pair=of_pair).group_by(on).agg(of_its_pair=pl.col("of_pair").sum(), dimensions=pl.len())
    return asked.join(counts, on=on, how="left", maintain_order="left").with_columns(pl.col("of_its_pair", "dimensions").fill_null(0))


def _dimensions(scores: pl.DataFrame) -> pl.DataFrame:
    """Null share per dimension."""
    return scores.group_by("model", "dimension").agg(null_share=(pl.col("status") == "null").mean()).sort("model", "dimension")
