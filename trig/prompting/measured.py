"""Pictures of prompts under other words: what is to be painted, and the scores of it, a row per picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from trig.generate.prompted import repainted
from trig.tables.prompts import numbered
from trig.vocabulary.dimensions import Dimension

Measure: TypeAlias = Callable[[pl.DataFrame], pl.DataFrame]
"""Paints and judges a frame with a row per picture: `painted` is painted, `prompt` is what the judge sees. Returns their scores."""
PICTURE = ("task", "data_id", "number")
SAMPLE = ("data_id", "number")
SEPARATOR = ":"
"""Between a data_id and the label of what is tried: no data_id of a prompts table holds it."""
AT_A_TIME = 1_000
"""Pictures in memory at once."""


def in_parts(measure: Measure) -> Measure:
    """The same, with few pictures in memory."""
    return lambda rows: pl.concat([measure(part) for part in rows.iter_slices(AT_A_TIME)])


@dataclass(slots=True)
class Ledger:
    """Pictures that were paid for. One that several pairs share is paid for once."""

    budget: int
    paid: set[tuple[str, str, int]]

    def price(self, asked: pl.DataFrame) -> set[tuple[str, str, int]]:
        """Pictures of these rows that are not paid for yet."""
        keys = repainted(asked).select("key", "noise_key", "noise").unique()
        return set(keys.iter_rows()) - self.paid

    def pay(self, *asked: pl.DataFrame) -> bool:
        """Whether the budget allows these rows; then they are paid for."""
        new = set[tuple[str, str, int]]().union(*map(self.price, asked))
        if len(self.paid) + len(new) > self.budget:
            return False
        self.paid |= new
        return True


def asked(prompts: pl.DataFrame, painted: Sequence[str], seeds: int, label: str) -> pl.DataFrame:
    """Rows to measure, a prompt's numbers together, each with the noise of the prompt as it is. `label` tells tries at one prompt apart."""
    rows = numbered(prompts.with_columns(painted=pl.Series(painted, dtype=pl.String)), seeds)
    return rows.with_columns(data_id=pl.col("data_id") + SEPARATOR + label, noise_key="key", noise="number")


def wide(scores: pl.DataFrame, column: str, label: str, roots: pl.DataFrame) -> pl.DataFrame:
    """Scores of the rows of a label: data_id, number, root and a column per dimension, in a fixed order."""
    end = SEPARATOR + label
    own = scores.filter(pl.col("data_id").str.ends_with(end)).with_columns(pl.col("data_id").str.strip_suffix(end))
    found = own.with_columns(pl.col("dimension").cast(pl.String)).pivot(
        "dimension", index=SAMPLE, values=column, aggregate_function="first"
    )
    lacking = [pl.lit(None, pl.Float64).alias(one.value) for one in Dimension if one.value not in found.columns]
    return found.with_columns(lacking).join(roots, on="data_id", how="left").select(*SAMPLE, "root", *map(str, Dimension)).sort(SAMPLE)
