"""Expectations of the suites, a small subset of those of Great Expectations.

Nulls meet every expectation; `trig.tables` declares which columns are nullable.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

ROUNDING = 1e-6
"""Tolerance for sums and products of stored numbers."""


@dataclass(frozen=True, slots=True)
class Check:
    """Expectation type with its arguments."""

    name: str
    arguments: Mapping[str, object]


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


def between(column: str, low: float | None, high: float | None) -> Check:
    """low ≤ column ≤ high; None is unbounded."""
    return Check("expect_column_values_to_be_between", {"column": column, "min_value": low, "max_value": high})


def share(column: str) -> Check:
    """The column is in [0, 1], with tolerance."""
    return between(column, -ROUNDING, 1 + ROUNDING)


def missing(column: str) -> Check:
    """The column is null."""
    return Check("expect_column_values_to_be_null", {"column": column})


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


def mixture(engines: pl.Series, rows: str) -> Iterator[str]:
    """Note when rows stem from several engines (library versions)."""
    counts = engines.drop_nulls().value_counts(sort=True).rows()
    if len(counts) > 1:
        told = "; ".join(f"{count} by {engine}" for engine, count in counts)
        yield f"the {rows} come from {len(counts)} engines: {told}; set engine_in_key to true to compute them all by the installed one"
