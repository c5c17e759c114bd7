"""A batch that fails as a whole is tried row by row, so that one bad row is one null."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from trig.protocols.refusal import Refusal

Row = TypeVar("Row")
Result = TypeVar("Result")
FAILURES = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What libraries raise over an input. Anything else is a bug at once."""
PATIENCE = 8
"""Rows that may fail one after another: then it is not the rows."""


class Patient(Generic[Row, Result]):
    """Calls `work` on batches; a row that fails alone too is a Refusal, which the next run retries."""

    def __init__(self, work: Callable[[Sequence[Row]], list[Result | Refusal]]) -> None:
        self.work = work
        self.failed = 0

    def __call__(self, rows: Sequence[Row]) -> list[Result | Refusal]:
        """A result per row. Raises what `work` raises when PATIENCE rows have failed in succession."""
        try:
            made = self.work(rows)
        except FAILURES:
            return [self._alone(row) for row in rows]
        self.failed = 0
        return made

    def _alone(self, row: Row) -> Result | Refusal:
        try:
            (made,) = self.work([row])
        except FAILURES as error:
            self.failed += 1
            if self.failed >= PATIENCE:
                raise
            return Refusal(f"{type(error).__name__}: {next(iter(str(error).splitlines()), 'no message')}")
        self.failed = 0
        return made
