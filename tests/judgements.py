"""Judged candidates with known scores, for tests of policies and lessons."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import polars as pl

from trig.finetune.points import Points, points
from trig.finetune.select import CANDIDATE
from trig.tables.kinds import TASK
from trig.vocabulary.dimensions import Pair

PAIR = Pair.parse("IQ-R_TA-C")
Row: TypeAlias = tuple[str, int, float | None, float | None]
"""Prompt, number, and the scores on both dimensions."""
SCHEMA: dict[str, Any] = {
    "task": TASK, "data_id": pl.String, "number": pl.Int32, "dimension": pl.String, "scorer": pl.String, "expected": pl.Float64,
    "confidence": pl.Float64, "p": pl.List(pl.Float64),
}  # fmt: skip


def scored(
    rows: Sequence[Row], scorer: str = "tiny", sure: float = 0.5, grades: Mapping[float, Sequence[float]] | None = None
) -> pl.DataFrame:
    """The rows of DIAGNOSED that policies read. `grades`: probabilities of the grades, by the score that they give."""
    sides = ((row, code, score) for row in rows for code, score in ((PAIR.x.value, row[2]), (PAIR.y.value, row[3])))
    found = [
        ("t2i", row[0], row[1], code, scorer, score, sure, None if grades is None or score is None else list(grades[score]))
        for row, code, score in sides
    ]
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def asked(rows: Sequence[Row]) -> pl.DataFrame:
    """Their prompts, each with two phrases of its own."""
    own = scored(rows).select(CANDIDATE).unique(maintain_order=True)
    phrases = pl.concat_list(pl.format("a {} ball", "data_id"), pl.format("in place {}", "data_id"))
    return own.with_columns(prompt=pl.format("a {} ball in place {}", "data_id", "data_id"), sub_prompts=phrases)


def cloud(rows: Sequence[Row], *more: pl.DataFrame, held_out: frozenset[str] = frozenset()) -> Points:
    """Points of these rows, by one scorer; `more` are scores of others."""
    return points(pl.concat([scored(rows), *more]), asked(rows), PAIR, held_out)
