"""Outcomes of checks: how many rows were looked at, and which are not what they claim."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A row, or a whole table, that is not what it claims."""

    table: str
    row: str  # of the whole table: empty
    what: str

    @property
    def line(self) -> str:
        """All of it."""
        return f"{self.table}: {self.row and f'{self.row}: '}{self.what}"


@dataclass(slots=True)
class Checked:
    """A check."""

    name: str
    how: str  # with its tolerance
    rows: int = 0  # looked at
    of: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what could not be checked, and what is no fault

    def wrong(self, table: object, row: str, what: str) -> None:
        """Note a finding."""
        self.findings.append(Finding(str(table), row, what))


def sample(sizes: Mapping[str, int], rows: int | None, seed: int) -> dict[str, list[int]]:
    """So many indices in all, drawn evenly over the rows of all models; None: all of them."""
    every = [(model, index) for model, size in sizes.items() for index in range(size)]
    drawn = every if rows is None or rows >= len(every) else sorted(random.Random(seed).sample(every, rows))
    found: dict[str, list[int]] = {model: [] for model in sizes}
    for model, index in drawn:
        found[model].append(index)
    return found


def named(row: Sequence[object]) -> str:
    """A row by its key; number 0 is left out."""
    task, data_id, number, *more = row
    return " ".join(map(str, (task, data_id, *((f"number {number}",) if str(number) != "0" else ()), *more)))
