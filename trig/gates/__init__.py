"""One expectation suite per table. Importing a suite imports Great Expectations, which takes seconds; importing this package does not."""

from collections.abc import Callable
from pathlib import Path

from trig.errors import GateError, TableError
from trig.gates.page import page
from trig.gates.result import Finding, Result

__all__ = ["Finding", "Result", "conclude"]
DECLARED = "the columns and their types are as declared"


def conclude(table: str, check: Callable[[], list[Finding]], summary: Path, html: Path) -> None:
    """Run a table's check and write what it found as JSON and as a page, also when it fails.

    Raises GateError when an expectation is not met. A table that does not read as declared fails the first one and no other is looked at.
    """
    try:
        result = Result(table, (Finding(DECLARED, "tables.check", table), *check()))
    except TableError as error:
        result = Result(table, (Finding.refused(DECLARED, "tables.check", table, str(error)),))
    for path, text in ((summary, result.json()), (html, page(result))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if not result.met:
        raise GateError(f"{result.line()}; all of it is in {html}")
