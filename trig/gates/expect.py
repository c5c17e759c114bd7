"""What can be expected of a column: the few expectations of Great Expectations that the suites use, in words of ours.

Missing values meet every expectation, so a column that must have a value is declared so in `trig.tables`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

ROUNDING = 1e-6
"""How far sums and products of stored numbers may be off."""


@dataclass(frozen=True, slots=True)
class Check:
    """An expectation by its registered name, with its arguments."""

    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class View:
    """Rows and what is expected of them."""

    rows: str  # what a row is, in the plural
    frame: pl.DataFrame  # flat columns: text, numbers, truth values
    label: tuple[str, ...]  # the columns that name a row
    expected: Mapping[str, Check]  # in words → the check
    notes: tuple[str, ...] = ()  # what is told of these rows and stops nothing


def holds(column: str) -> Check:
    """The column is true."""
    return among(column, [True])


def among(column: str, values: Sequence[object]) -> Check:
    """The column has one of these values."""
    return Check("expect_column_values_to_be_in_set", {"column": column, "value_set": list(values)})


def between(column: str, low: float | None, high: float | None) -> Check:
    """low ≤ column ≤ high, without a limit where it is None."""
    return Check("expect_column_values_to_be_between", {"column": column, "min_value": low, "max_value": high})


def share(column: str) -> Check:
    """A share, a score or a probability: in [0, 1] up to rounding."""
    return between(column, -ROUNDING, 1 + ROUNDING)


def missing(column: str) -> Check:
    """The column has no value."""
    return Check("expect_column_values_to_be_null", {"column": column})


def key(column: str) -> Check:
    """The column is a content key: 32 hex digits."""
    return Check("expect_column_values_to_match_regex", {"column": column, "regex": r"^[0-9a-f]{32}\Z"})


def equal(one: str, other: str) -> Check:
    """Two columns agree."""
    return Check("expect_column_pair_values_to_be_equal", {"column_A": one, "column_B": other, "ignore_row_if": "either_value_is_missing"})


def no_more(small: str, large: str) -> Check:
    """small ≤ large, row by row."""
    pair = {"column_A": large, "column_B": small, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
    return Check("expect_column_pair_values_a_to_be_greater_than_b", pair)


def unique(*columns: str) -> Check:
    """No two rows agree in all the columns."""
    return Check("expect_compound_columns_to_be_unique", {"column_list": list(columns)})


def mixture(engines: pl.Series, rows: str) -> Iterator[str]:
    """A note where rows were computed by more than one engine: numbers of two versions of a library are set side by side."""
    counts = engines.drop_nulls().value_counts(sort=True).rows()
    if len(counts) > 1:
        told = "; ".join(f"{count} by {engine}" for engine, count in counts)
        yield f"the {rows} come from {len(counts)} engines: {told}; set engine_in_key to true to compute them all by the installed one"
