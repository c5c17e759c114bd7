"""What a gate found: one finding per expectation. Equal tables give equal results, byte for byte."""

import json
from dataclasses import dataclass

SHOWN = 5
"""Example rows per finding."""


@dataclass(frozen=True, slots=True)
class Example:
    """A row that fails."""

    row: str  # the values that name it, joined by slashes
    value: str  # what was found there; "" where the name says it all


@dataclass(frozen=True, slots=True)
class Finding:
    """How one expectation fared."""

    says: str  # what is expected, in words
    check: str  # what was run
    rows: str  # what a row is, in the plural
    looked_at: int
    failing: int = 0
    examples: tuple[Example, ...] = ()

    @property
    def met(self) -> bool:
        """No row fails."""
        return self.failing == 0

    def line(self) -> str:
        """The expectation, the count and the example rows, in one line."""
        examples = ", ".join(f"{example.row} ({example.value})" if example.value else example.row for example in self.examples)
        more = ", …" if self.failing > len(self.examples) else ""
        return f"expected that {self.says}; {self.failing} of {self.looked_at} {self.rows} fail: {examples}{more}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a gate found about a table."""

    table: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()  # what people should know of the table, and what stops nothing

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that are not met."""
        return tuple(finding for finding in self.findings if not finding.met)

    @property
    def met(self) -> bool:
        """Whether the table may go on."""
        return not self.failed

    def line(self) -> str:
        """The first failing expectation, and how many there are."""
        more = f"; {len(self.failed)} expectations fail in all" if len(self.failed) > 1 else ""
        return f"{self.table}: {self.failed[0].line()}{more}"

    def json(self) -> str:
        """A small summary: three numbers, a line per failure, and the notes."""
        summary = {
            "met": self.met,
            "expectations": len(self.findings),
            "failed": len(self.failed),
            "failures": {finding.says: finding.line() for finding in self.failed},
            "notes": list(self.notes),
        }
        return json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
