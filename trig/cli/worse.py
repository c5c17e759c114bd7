"""What `trig compare --fail-on` says: changes for the worse, and whether they fail a check."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension

HEADS = ("task", "pair", "dimension", "n", "A", "B", "change", "q", "")


@dataclass(frozen=True, slots=True)
class Worse:
    """The question and its answer."""

    asked: str  # as given
    by: float
    fdr: float
    drops: pl.DataFrame  # DROPS

    @property
    def fails(self) -> bool:
        """Whether a change for the worse is shown."""
        return bool(self.drops["worse"].any())

    def as_json(self) -> dict[str, Any]:
        """Everything, for a program."""
        return {"asked": self.asked, "by": self.by, "fails": self.fails, "rows": self.drops.to_dicts()}

    def rows(self, every: bool) -> Sequence[tuple[str, ...]]:
        """The tests as text, those that fail first; or only these."""
        told = sorted(self.drops.iter_rows(named=True), key=lambda row: (not row["worse"], row["change"] is None, row["change"]))
        return [_row(row) for row in told if every or row["worse"]]

    def told(self) -> Iterator[str]:
        """The verdict, and what was left out of it."""
        count, tested = int(self.drops["worse"].sum()), self.drops.height - self.drops["worse"].null_count()
        margin = f" by {self.by:g} or more" if self.by else ""
        yield f"{count} of {tested} means fell{margin} (q at most {self.fdr:g} over these {tested} tests): {'fails' if count else 'passes'}."
        left_out = {
            f"{self.drops.height - tested} means have too few samples to test": self.drops.height - tested,
            f"{self.drops['nulls'].sum()} samples lack a score on a side and are left out": self.drops["nulls"].sum(),
            f"{self.drops['unpaired'].sum()} samples have no partner of the same prompt and seed and are left out": self.drops[
                "unpaired"
            ].sum(),
        }
        yield from (f"{words}." for words, some in left_out.items() if some)


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    first = (row["task"], row["pair"] or "all", ABOUT[Dimension(row["dimension"])].name, str(row["n"]))
    if row["change"] is None:
        return (*first, "", "", "", "", "too few")
    ends = "" if row["low"] is None else f" ({row['low']:+.4f} to {row['high']:+.4f})"
    q = "" if row["q"] is None else f"{row['q']:.3g}"
    return (*first, f"{row['before']:.4f}", f"{row['after']:.4f}", f"{row['change']:+.4f}{ends}", q, "worse" if row["worse"] else "")
