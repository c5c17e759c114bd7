"""Judged candidates as points of a pair's two scores, and how sure a preference between two is."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trig.finetune.select import CANDIDATE
from trig.vocabulary.dimensions import Pair

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
SIDES = ("x", "y")


@dataclass(frozen=True, slots=True)
class Opinion:
    """Scores that one scorer gave the points on one dimension."""

    expected: Floats  # (n,)
    grades: Floats | None  # (n, grades), worst to best; None for a scorer that gives no probabilities

    def beats(self, first: Ints, second: Ints) -> Floats:
        """Probability that a grade of the first is better than one of the second; equal grades count half."""
        if self.grades is None:
            return (1 + np.sign(self.expected[first] - self.expected[second])) / 2
        ours, theirs = self.grades[first], self.grades[second]
        found: Floats = (ours * (theirs.cumsum(axis=1) - theirs / 2)).sum(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Points:
    """Candidates that every scorer scored on both dimensions of a pair, sorted by prompt and number."""

    pair: Pair
    rows: pl.DataFrame  # CANDIDATE, prompt, sub_prompts, x and y (expected scores), confidence: means over scorers
    opinions: Sequence[tuple[Opinion, Opinion]]  # of each scorer
    scorers: Sequence[str]
    nulls: int  # candidates that lack a score
    guarded: int  # candidates that lose too much on another dimension
    held_out: frozenset[str]  # prompts that nothing may be trained on

    @property
    def scores(self) -> Floats:
        """(n, 2)."""
        return self.rows.select(SIDES).to_numpy()

    def groups(self) -> list[Ints]:
        """Points of each prompt."""
        numbered = self.rows.with_row_index("index").group_by("task", "data_id", maintain_order=True).agg("index")
        return [np.array(places, dtype=np.int64) for places in numbered["index"]]

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Ordered pairs of different points of a prompt."""
        return ((int(one), int(other)) for group in self.groups() for one in group for other in group if one != other)

    def preference(self, first: Ints, second: Ints) -> Floats:
        """Probability that the first is preferred to the second: the mean over scorers and both dimensions."""
        said = [opinion.beats(first, second) for both in self.opinions for opinion in both]
        found: Floats = np.mean(said, axis=0)
        return found

    def changes(self, first: int, second: int) -> Floats:
        """Changes from the second to the first, of each scorer: (scorers, 2)."""
        return np.array([[opinion.expected[first] - opinion.expected[second] for opinion in both] for both in self.opinions])


def points(
    scores: pl.DataFrame, asked: pl.DataFrame, pair: Pair, held_out: frozenset[str] = frozenset(), guard: float | None = None
) -> Points:
    """Points of these candidates. One that lacks a score on a dimension of the pair, or of a scorer, is counted and not used.

    With a `guard`, nor is one that is worse by more than this than the mean of its prompt's candidates on another dimension that was scored.
    """
    codes = {pair.x.value: "x", pair.y.value: "y"}
    own = scores.with_columns(pl.col("dimension").cast(pl.String)).filter(pl.col("dimension").is_in(list(codes)))
    scorers = own["scorer"].unique(maintain_order=True).to_list()
    sides = {name: pl.col("expected").filter(dimension=code).mean() for code, name in codes.items()}
    scored = pl.col("expected").count() == len(codes) * len(scorers)
    means = own.group_by(CANDIDATE, maintain_order=True).agg(**sides, confidence=pl.col("confidence").fill_null(1.0).mean(), scored=scored)
    prompts = asked.select(*CANDIDATE, "prompt", "sub_prompts")
    whole = means.filter("scored").drop("scored").join(prompts, on=CANDIDATE, maintain_order="left").sort("data_id", "number", "task")
    rows = whole if guard is None else whole.join(_falling(scores, codes, guard), on=CANDIDATE, how="anti", maintain_order="left")
    opinions = [tuple(_opinion(own.filter(scorer=scorer, dimension=code), rows) for code in codes) for scorer in scorers]
    return Points(pair, rows, [(x, y) for x, y in opinions], scorers, asked.height - whole.height, whole.height - rows.height, held_out)


def _falling(scores: pl.DataFrame, codes: Collection[str], guard: float) -> pl.DataFrame:
    """Candidates that lose too much on a dimension other than these."""
    others = scores.with_columns(pl.col("dimension").cast(pl.String)).filter(~pl.col("dimension").is_in(list(codes)))
    means = others.group_by(*CANDIDATE, "dimension").agg(pl.col("expected").mean())
    low = pl.col("expected") < pl.col("expected").mean().over("task", "data_id", "dimension") - guard
    return means.filter(low).select(CANDIDATE).unique()


def _opinion(scores: pl.DataFrame, rows: pl.DataFrame) -> Opinion:
    found = rows.select(CANDIDATE).join(scores, on=CANDIDATE, how="left", maintain_order="left")
    grades: Any = None if found["p"].null_count() else np.array(found["p"].to_list(), dtype=np.float64)
    return Opinion(found["expected"].to_numpy(), grades if rows.height else None)
