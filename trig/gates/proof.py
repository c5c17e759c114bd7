"""Expectation suite of a tuned model's lessons, and of the second eye's scores: what was learnt is held in, and who chose does not report."""

from collections.abc import Collection, Mapping

import polars as pl

from trig.gates import expect
from trig.tables.prompts import split
from trig.text.near import Near

LESSON = ("lesson", "place")


def views(
    lessons: pl.DataFrame, prompts: pl.DataFrame, seen: pl.DataFrame, judge: str, weights: Collection[str | None], near_duplicate: float
) -> list[expect.View]:
    """Views of LESSONS, and of SCORES of the second eye. `judge` chose, by `weights`: a scorer of that name or of these weights may not report."""
    texts = lessons.with_columns(pl.col(pl.Enum).cast(pl.String))
    scores = seen.with_columns(pl.col(pl.Enum).cast(pl.String))
    reporting = scores.select("scorer").unique(maintain_order=True)
    chose = {judge, *weights, *(name for joined in texts["scorer"].unique() for name in joined.split("+"))}
    told = pl.when(pl.col("scorer").is_in([name for name in chose if name])).then(pl.lit("chose lessons too"))
    alone = (
        () if reporting.height else ("nobody but the judge that chose its lessons reports on it; name a second eye at proof.eye.weights",)
    )
    return [
        expect.View("lessons", _lessons(texts, prompts, near_duplicate), LESSON, _of_a_lesson()),
        expect.View("reporting scorers", reporting.with_columns(chose=told), ("scorer",), _of_a_scorer(), alone),
        expect.View("scores of the second eye", scores.with_columns(root=pl.lit(None)), _label(), _of_a_score()),
    ]


def _label() -> tuple[str, ...]:
    return ("model", "task", "data_id", "number", "dimension")


def _of_a_lesson() -> Mapping[str, expect.Check]:
    return {
        "every lesson is of a train prompt, word for word": expect.holds("train"),
        "no prompt of a lesson is a test prompt, or nearly one": expect.missing("shares"),
        "no corrupted prompt of a lesson is a test prompt, or nearly one": expect.missing("corrupted_shares"),
    }


def _of_a_scorer() -> Mapping[str, expect.Check]:
    return {"no scorer that reports a tuned model chose its training pictures": expect.missing("chose")}


def _of_a_score() -> Mapping[str, expect.Check]:
    return {
        "expected is in [0, 1]": expect.share("expected"),
        "a score that is ok has its expected": expect.present("expected", expect.OK),
        "a score that is null has no expected": expect.missing("expected", expect.NULL),
        "a score that is null has a reason": expect.present("reason", expect.NULL),
        "no picture is scored twice on a dimension": expect.unique(*_label()),
        "every key is 32 hex digits": expect.key("key"),
    }


def _lessons(lessons: pl.DataFrame, prompts: pl.DataFrame, near_duplicate: float) -> pl.DataFrame:
    """One flat row per lesson."""
    train = split(prompts, "train").select(pl.col("task").cast(pl.String), "data_id", "prompt", train=pl.lit(True))
    test = split(prompts, "test").select(pl.col("task").cast(pl.String), "data_id", "prompt")
    near = {str(task): Near(near_duplicate) for task in test["task"].unique()}
    for task, name, text in test.iter_rows():
        near[task].add(text, name)

    def shares(column: str) -> pl.Series:
        found = [near[task].near(text) if text and task in near else None for task, text in lessons.select("task", column).iter_rows()]
        return pl.Series(found, dtype=pl.String)

    joined = lessons.join(train, on=["task", "data_id", "prompt"], how="left", maintain_order="left").with_columns(
        pl.col("train").fill_null(False)
    )
    return joined.select(*LESSON, "task", "data_id", "train", shares=shares("prompt"), corrupted_shares=shares("loser_prompt"))
