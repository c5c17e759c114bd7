"""Expectations over frames, run by Great Expectations in a context that leaves nothing behind."""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import polars as pl

from trig.gates.result import SHOWN, Example, Finding

os.environ["GX_ANALYTICS_ENABLED"] = "false"
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.data_context.types.base import ProgressBarsConfig

__all__ = ["ROUNDING", "View", "gxe", "in_unit", "look"]
WIDTH = 80
"""Characters of a value that are shown."""
ROUNDING = 1e-6
"""How far sums and products of stored numbers may be off."""


@dataclass(frozen=True, slots=True)
class View:
    """Rows and what is expected of them. Missing values meet every expectation but the one that asks for a value."""

    rows: str  # what a row is, in the plural
    frame: pl.DataFrame  # flat columns: text, numbers, truth values
    label: tuple[str, ...]  # the columns that name a row
    expected: Mapping[str, gxe.Expectation]  # in words → the check


def in_unit(column: str) -> gxe.Expectation:
    """A share, a score or a probability, up to rounding."""
    return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=-ROUNDING, max_value=1 + ROUNDING)


def look(*views: View) -> list[Finding]:
    """One finding per expectation, in the order of the views."""
    return [finding for view in views for finding in _look(view)]


def _look(view: View) -> list[Finding]:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": view.frame.to_pandas()})
    form = {"result_format": "COMPLETE", "unexpected_index_column_names": list(view.label)}
    return [_finding(says, view, batch.validate(check, result_format=form)) for says, check in view.expected.items()]


def _finding(says: str, view: View, result: Any) -> Finding:
    """What Great Expectations says, without its times, ids and random order. An exception inside it is a bug and is raised."""
    found = result.result
    if "unexpected_count" not in found:
        raise RuntimeError(f"{says}: {result.exception_info}")
    examples = tuple(_example(row, view.label) for row in (found["unexpected_index_list"] or ())[:SHOWN])
    check = result.expectation_config.type
    return Finding(says, check, view.rows, view.frame.height, int(found["unexpected_count"]), examples)


def _example(row: Mapping[str, object], label: Sequence[str]) -> Example:
    name = "/".join(str(row[column]) for column in label)
    return Example(name, ", ".join(f"{column} {_short(row[column])}" for column in sorted(row.keys() - set(label))))


def _short(value: Any) -> str:
    """A value as people read it. Great Expectations gives missing numbers as NaN."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return "missing"
    text = f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
