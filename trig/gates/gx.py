"""Runs checks with Great Expectations in an ephemeral context. The only module that imports it, which takes seconds."""

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import Any

from trig.gates.expect import Check, View
from trig.gates.lazily import lazily
from trig.gates.result import SHOWN, Example, Finding

os.environ["GX_ANALYTICS_ENABLED"] = "false"
lazily("altair", "scipy.stats")  # a third of the time that the import takes, for one expectation that no suite has
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from great_expectations import ExpectationSuite, get_context
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.row_conditions import Column

WIDTH = 80
"""Maximum characters of a shown value."""


def look(views: Iterable[View]) -> list[Finding]:
    """One finding per expectation, in the order of the views."""
    return [finding for view in views for finding in _look(view)]


def _look(view: View) -> list[Finding]:
    context = get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": view.frame.to_pandas()})
    form = {"result_format": "COMPLETE", "unexpected_index_column_names": list(view.label)}
    results: Sequence[Any] = batch.validate(_suite(view), result_format=form).results
    by_words = {result.expectation_config.meta["says"]: result for result in results}
    return [_finding(says, check, view, by_words[says]) for says, check in view.expected.items()]


def _suite(view: View) -> ExpectationSuite:
    """The checks as one suite; each carries its description as metadata, since results come unordered."""
    settings = (
        ExpectationConfiguration(type=check.name, kwargs={**check.arguments, **_condition(check)}, meta={"says": says})
        for says, check in view.expected.items()
    )
    return ExpectationSuite(view.rows, expectations=[setting.to_domain_obj() for setting in settings])


def _condition(check: Check) -> dict[str, Any]:
    return {"row_condition": Column(check.where[0]) == check.where[1]} if check.where else {}


def _finding(says: str, check: Check, view: View, result: Any) -> Finding:
    """Reproducible part of a validation result, without times and ids. Raises RuntimeError for an exception inside Great Expectations."""
    found = result.result
    if "unexpected_count" not in found:
        raise RuntimeError(f"{says}: {result.exception_info}")
    examples = tuple(_example(row, view.label) for row in (found["unexpected_index_list"] or ())[:SHOWN])
    return Finding(says, check.name, view.rows, view.frame.height, int(found["unexpected_count"]), examples)


def _example(row: Mapping[str, object], label: Sequence[str]) -> Example:
    name = "/".join(str(row[column]) for column in label)
    return Example(name, ", ".join(f"{column} {_short(row[column])}" for column in sorted(row.keys() - set(label))))


def _short(value: Any) -> str:
    """Display form of a value; Great Expectations gives nulls as NaN."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return "missing"
    text = f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
