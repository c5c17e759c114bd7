"""Expectation suite of a model's scores and of their diagnostics."""

from collections.abc import Mapping

import polars as pl

from trig.gates import expect
from trig.vocabulary.dimensions import Dimension

ROW = (*expect.SAMPLE, "dimension", "scorer")
"""What names a score and its diagnostics."""
NUMBERS = ("score_trig", "expected")
ANSWERED = ("confidence", "off_mass")
"""Numbers of the judge's answer."""


def views(
    prompts: pl.DataFrame, scores: pl.DataFrame, diagnostics: pl.DataFrame, model: str, seeds: int, max_null_share: float
) -> list[expect.View]:
    """Views of one model's scores and diagnostics."""
    texts, answers = (frame.with_columns(pl.col(pl.Enum).cast(pl.String)) for frame in (scores, diagnostics))
    asked = expect.asked_of(model, prompts, seeds)
    engines = tuple(expect.mixture(answers["engine"], "scores"))
    label, (noun, each) = expect.label(seeds, "dimension"), expect.asked_rows(seeds)
    return [
        expect.View("scores", _rows(texts, answers, asked), label, _of_a_score()),
        expect.View("diagnostics", _answers(texts, answers), label, _of_an_answer(), engines),
        expect.View(noun, _samples(texts, asked), expect.label(seeds), _of_a_prompt(each)),
        expect.View("dimensions", _dimensions(texts), ("model", "dimension"), _of_a_dimension(max_null_share)),
    ]


def _of_a_score() -> Mapping[str, expect.Check]:
    return {
        **{f"{column} is in [0, 1]": expect.share(column) for column in NUMBERS},
        "every score belongs to the model and to one of its test prompts": expect.holds("asked"),
        "a score without diagnostics has a score_trig that is expected": expect.between("off_expected", None, expect.ROUNDING),
        "a scorer with diagnostics has them of every score": expect.holds("explained"),
        **{f"a score that is ok has its {column}": expect.present(column, expect.OK) for column in NUMBERS},
        "a score that is ok has no reason": expect.missing("reason", expect.OK),
        "a score that is null has no score_trig": expect.missing("score_trig", expect.NULL),
        "a score that is null has a reason": expect.present("reason", expect.NULL),
        "every key is 32 hex digits": expect.key("key"),
        "every image key is 32 hex digits": expect.key("image_key"),
    }


def _of_an_answer() -> Mapping[str, expect.Check]:
    return {
        **{f"{column} is in [0, 1]": expect.share(column) for column in ANSWERED},
        "all diagnostics belong to a score": expect.present("status"),
        "p holds at least two grades": expect.between("grades", 2, None),
        "no p is below 0": expect.between("smallest_p", 0, None),
        "no p is above 1": expect.between("largest_p", None, 1 + expect.ROUNDING),
        "p sums to 1": expect.between("p_sum", 1 - expect.ROUNDING, 1 + expect.ROUNDING),
        "the confidence is the largest p": expect.between("off_largest_p", None, expect.ROUNDING),
        "score_trig is confidence times expected": expect.between("off_product", None, expect.ROUNDING),
        **{f"a score that is ok has its {column}": expect.present(column, expect.OK) for column in (*ANSWERED, "grades")},
    }


def _of_a_prompt(each: str) -> Mapping[str, expect.Check]:
    return {
        f"every test prompt was asked about both its dimensions{each}": expect.among("of_its_pair", [2]),
        f"every test prompt was asked about two dimensions or all ten{each}": expect.among("dimensions", [2, len(Dimension)]),
    }


def _of_a_dimension(max_null_share: float) -> Mapping[str, expect.Check]:
    return {f"at most {max_null_share:.0%} of a dimension's scores are null": expect.between("null_share", None, max_null_share)}


def _rows(scores: pl.DataFrame, diagnostics: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """One flat row per score, with derived columns to validate."""
    there = diagnostics.select(*ROW, diagnosed=True)
    rows = expect.belonging(scores, asked).join(there, on=ROW, how="left", maintain_order="left")
    diagnosed = pl.col("diagnosed").is_not_null()
    return rows.with_columns(
        off_expected=pl.when(~diagnosed).then((pl.col("score_trig") - pl.col("expected")).abs()),
        explained=diagnosed | ~pl.col("scorer").is_in(diagnostics["scorer"].unique().implode()),
        reason=pl.col("reason").replace("", None),
    ).drop("diagnosed")


def _answers(scores: pl.DataFrame, diagnostics: pl.DataFrame) -> pl.DataFrame:
    """One flat row per answer of the judge, joined with its score, with derived columns to validate."""
    p, numbers = pl.col("p"), scores.select(*ROW, *NUMBERS, "status")
    return (
        diagnostics.join(numbers, on=ROW, how="left", maintain_order="left")
        .with_columns(
            p_sum=p.list.sum(),
            grades=p.list.len(),
            smallest_p=p.list.min(),
            largest_p=p.list.max(),
            off_largest_p=(pl.col("confidence") - p.list.max()).abs(),
            off_product=(pl.col("score_trig") - pl.col("confidence") * pl.col("expected")).abs(),
        )
        .drop("p")
    )


def _samples(scores: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Number of dimensions scored per test prompt and seed."""
    of_pair = pl.col("dimension").is_in(pl.col("pair").str.split("_"))
    dimension = pl.col("dimension")
    counts = scores.group_by(expect.SAMPLE).agg(of_its_pair=dimension.filter(of_pair).n_unique(), dimensions=dimension.n_unique())
    found = asked.join(counts, on=expect.SAMPLE, how="left", maintain_order="left")
    return found.with_columns(pl.col("of_its_pair", "dimensions").fill_null(0))


def _dimensions(scores: pl.DataFrame) -> pl.DataFrame:
    """Null share per dimension."""
    return scores.group_by("model", "dimension").agg(null_share=(pl.col("status") == "null").mean()).sort("model", "dimension")
