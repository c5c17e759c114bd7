"""Expectations of the suites, a small subset of those of Great Expectations.

Nulls meet every expectation; `trig.tables` declares which columns are nullable.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from trig.tables.prompts import numbered, split

ROUNDING = 1e-6
"""Tolerance for sums and products of stored numbers."""

SUBSET = pl.concat_str("task", "pair", separator="/").alias("subset")
"""Task and pair as one text: Great Expectations looks up pairs of columns row by row, which takes seconds."""
OK, NULL = ("status", "ok"), ("status", "null")
"""Rows of images or scores: those with a result, and those with a reason in its place."""
SAMPLE = ("model", "task", "pair", "data_id", "number")


@dataclass(frozen=True, slots=True)
class Check:
    """Expectation type with its arguments."""

    name: str
    arguments: Mapping[str, object]
    where: tuple[str, str] | None = None  # of the rows in which a column has a value; None: of all


@dataclass(frozen=True, slots=True)
class View:
    """Rows to validate, with their expectations."""

    rows: str  # plural noun for the rows
    frame: pl.DataFrame  # flat columns: text, numbers, booleans
    label: tuple[str, ...]  # identifying columns
    expected: Mapping[str, Check]  # description → check
    notes: tuple[str, ...] = ()  # non-failing findings


def holds(column: str) -> Check:
    """The column is true."""
    return among(column, [True])


def among(column: str, values: Sequence[object]) -> Check:
    """The column is in this set."""
    return Check("expect_column_values_to_be_in_set", {"column": column, "value_set": list(values)})


def subset(subsets: pl.DataFrame) -> Check:
    """The column `subset` names a task and pair of these rows."""
    return among("subset", subsets.select(SUBSET).to_series().to_list())


def between(column: str, low: float | None, high: float | None) -> Check:
    """low ≤ column ≤ high; None is unbounded."""
    return Check("expect_column_values_to_be_between", {"column": column, "min_value": low, "max_value": high})


def share(column: str) -> Check:
    """The column is in [0, 1], with tolerance."""
    return between(column, -ROUNDING, 1 + ROUNDING)


def missing(column: str, where: tuple[str, str] | None = None) -> Check:
    """The column is null."""
    return Check("expect_column_values_to_be_null", {"column": column}, where)


def present(column: str, where: tuple[str, str] | None = None) -> Check:
    """The column is not null."""
    return Check("expect_column_values_to_not_be_null", {"column": column}, where)


def key(column: str) -> Check:
    """The column is a content hash: 32 hex digits."""
    return Check("expect_column_values_to_match_regex", {"column": column, "regex": r"^[0-9a-f]{32}\Z"})


def equal(one: str, other: str) -> Check:
    """Two columns are equal."""
    return Check("expect_column_pair_values_to_be_equal", {"column_A": one, "column_B": other, "ignore_row_if": "either_value_is_missing"})


def no_more(small: str, large: str) -> Check:
    """small ≤ large, row by row."""
    pair = {"column_A": large, "column_B": small, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
    return Check("expect_column_pair_values_a_to_be_greater_than_b", pair)


def unique(*columns: str) -> Check:
    """Rows are unique in these columns."""
    return Check("expect_compound_columns_to_be_unique", {"column_list": list(columns)})


def asked_of(model: str, prompts: pl.DataFrame, seeds: int) -> pl.DataFrame:
    """The keys, `SAMPLE`, of a model's pictures: `seeds` of each test prompt."""
    test = numbered(split(prompts, "test"), seeds)
    return test.select(pl.lit(model).alias("model"), pl.col("task", "pair").cast(pl.String), "data_id", "number")


def label(seeds: int, *more: str) -> tuple[str, ...]:
    """Identifying columns of a picture's rows, without the pair, and without the number where all are 0."""
    return ("model", "task", "data_id", *(("number",) if seeds > 1 else ()), *more)


def asked_rows(seeds: int) -> tuple[str, str]:
    """Noun of the rows of `asked_of`, and what expectations of a test prompt say of its seeds."""
    return ("test prompts", "") if seeds == 1 else ("seeds of test prompts", f", for each of its {seeds} seeds")


def belonging(rows: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """The rows, with `asked`: whether they belong to one of these test prompts."""
    found = rows.join(asked.with_columns(asked=True), on=SAMPLE, how="left", maintain_order="left")
    return found.with_columns(pl.col("asked").fill_null(False))


def mixture(engines: pl.Series, rows: str) -> Iterator[str]:
    """Note when rows stem from several engines (library versions)."""
    counts = engines.drop_nulls().value_counts(sort=True).rows()
    if len(counts) > 1:
        told = "; ".join(f"{count} by {engine}" for engine, count in counts)
        yield f"the {rows} come from {len(counts)} engines: {told}; set engine_in_key to true to compute them all by the installed one"
