"""Validation results: one finding per expectation. Deterministic."""

import json
from dataclasses import dataclass

SHOWN = 5
"""Maximum example rows per finding."""


@dataclass(frozen=True, slots=True)
class Example:
    """Failing row."""

    row: str  # identifying values, joined by slashes
    value: str  # unexpected value; "" where `row` says it all


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one expectation."""

    says: str  # description of the expectation
    check: str  # expectation type
    rows: str  # plural noun for the rows
    looked_at: int
    failing: int = 0
    examples: tuple[Example, ...] = ()

    @property
    def met(self) -> bool:
        """Whether no row fails."""
        return self.failing == 0

    def line(self) -> str:
        """Expectation, failure count and example rows in one line."""
        examples = ", ".join(f"{example.row} ({example.value})" if example.value else example.row for example in self.examples)
        more = ", …" if self.failing > len(self.examples) else ""
        return f"expected that {self.says}; {self.failing} of {self.looked_at} {self.rows} fail: {examples}{more}"


@dataclass(frozen=True, slots=True)
class Result:
    """Validation result of a table."""

    table: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()  # non-failing findings

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Failed findings."""
        return tuple(finding for finding in self.findings if not finding.met)

    @property
    def met(self) -> bool:
        """Whether all expectations are met."""
        return not self.failed

    def line(self) -> str:
        """First failure, and the number of failures."""
        more = f"; {len(self.failed)} expectations fail in all" if len(self.failed) > 1 else ""
        return f"{self.table}: {self.failed[0].line()}{more}"

    def json(self) -> str:
        """JSON summary: counts, a line per failure, notes."""
        summary = {
            "met": self.met,
            "expectations": len(self.findings),
            "failed": len(self.failed),
            "failures": {finding.says: finding.line() for finding in self.failed},
            "notes": list(self.notes),
        }
        return json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
