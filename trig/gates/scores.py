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
    asked = expect.asked_of(model, prompts)
    return [
        expect.View("scores", _rows(texts, asked), LABEL, _of_a_score(), tuple(expect.mixture(texts["engine"], "scores"))),
        expect.View("test prompts", _samples(texts, asked), LABEL[:3], _of_a_prompt()),
        expect.View("dimensions", _dimensions(texts), ("model", "dimension"), _of_a_dimension(max_null_share)),
    ]


def _of_a_score() -> Mapping[str, expect.Check]:
    return {
        **{f"{column} is in [0, 1]": expect.share(column) for column in NUMBERS},
        "every score belongs to the model and to one of its test prompts": expect.holds("asked"),
        "p holds at least two grades": expect.between("grades", 2, None),
        "no p is below 0": expect.between("smallest_p", 0, None),
        "no p is above 1": expect.between("largest_p", None, 1 + expect.ROUNDING),
        "p sums to 1": expect.between("p_sum", 1 - expect.ROUNDING, 1 + expect.ROUNDING),
        "the confidence is the largest p": expect.between("off_largest_p", None, expect.ROUNDING),
        "score_trig is confidence times expected": expect.between("off_product", None, expect.ROUNDING),
        **{f"a score that is ok has its {column}": expect.present(column, expect.OK) for column in (*NUMBERS, "grades")},
        "a score that is ok has no reason": expect.missing("reason", expect.OK),
        "a score that is null has no score_trig": expect.missing("score_trig", expect.NULL),
        "a score that is null has a reason": expect.present("reason", expect.NULL),
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
    p = pl.col("p")
    return (
        expect.belonging(scores, asked)
        .with_columns(
            p_sum=p.list.sum(),
            grades=p.list.len(),
            smallest_p=p.list.min(),
            largest_p=p.list.max(),
            off_largest_p=(pl.col("confidence") - p.list.max()).abs(),
            off_product=(pl.col("score_trig") - pl.col("confidence") * pl.col("expected")).abs(),
            reason=pl.col("reason").replace("", None),
        )
        .drop("p")
    )


def _samples(scores: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Number of dimensions judged per test prompt."""
    of_pair = pl.col("dimension").is_in(pl.col("pair").str.split("_"))
    counts = scores.with_columns(of_pair=of_pair).group_by(expect.SAMPLE).agg(of_its_pair=pl.col("of_pair").sum(), dimensions=pl.len())
    found = asked.join(counts, on=expect.SAMPLE, how="left", maintain_order="left")
    return found.with_columns(pl.col("of_its_pair", "dimensions").fill_null(0))


def _dimensions(scores: pl.DataFrame) -> pl.DataFrame:
    """Null share per dimension."""
    return scores.group_by("model", "dimension").agg(null_share=(pl.col("status") == "null").mean()).sort("model", "dimension")
