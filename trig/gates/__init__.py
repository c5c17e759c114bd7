"""Data quality gates: an expectation suite per table."""

from collections.abc import Callable, Iterable
from pathlib import Path

from trig.errors import GateError, TableError
from trig.files import replace
from trig.gates.expect import View
from trig.gates.page import page
from trig.gates.result import Example, Finding, Result

__all__ = ["gate"]
DECLARED = "the columns and their types are as declared"


def gate(table: str, views: Callable[[], Iterable[View]], summary: Path, html: Path) -> Result:
    """Validates a table's views and writes the result as JSON and HTML, on failure too.

    Raises GateError when an expectation fails. A table that violates its schema fails the first one and skips the others.
    """
    try:
        seen = list(views())
        notes = tuple(note for view in seen for note in view.notes)
        result = Result(table, (Finding(DECLARED, "tables.check", "tables", 1), *_look(seen)), notes)
    except TableError as error:
        result = Result(table, (Finding(DECLARED, "tables.check", "tables", 1, 1, (Example(str(error), ""),)),))
    replace(summary, result.json().encode())
    replace(html, page(result).encode())
    if not result.met:
        raise GateError(f"{result.line()}; all of it is in {html}")
    return result


def _look(views: Iterable[View]) -> list[Finding]:
    from trig.gates.gx import look  # slow import (seconds): keeps `--help` fast

    return look(views)
