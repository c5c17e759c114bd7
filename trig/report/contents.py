"""What a report is made of. The stage fills these in; the page and the stills only draw them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True, slots=True)
class Tuning:
    """A tuned model beside the model it was tuned from."""

    base: str
    tuned: str
    pairs: tuple[str, ...]  # the pairs it was asked to repair
    notes: Mapping[str, str] = field(default_factory=dict)  # how it was trained, shown as it stands


@dataclass(frozen=True, slots=True)
class Gate:
    """What a gate found in one table."""

    table: str
    passed: bool
    checks: int
    failures: tuple[str, ...] = ()  # one line per expectation that does not hold
    link: str | None = None  # its own page, relative to the report


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything the report shows."""

    models: tuple[str, ...]  # in the order of the roster
    prompts: pl.DataFrame  # PROMPTS
    scores: pl.DataFrame  # SCORES
    points: pl.DataFrame  # model, task, pair, data_id, x, y, region: one row per sample
    relations: pl.DataFrame  # RELATIONS
    maps: Mapping[tuple[str, str], tuple[str, ...]]  # (model, task) → its groups in words, a line each
    pictures: pl.DataFrame  # model, task, pair, data_id, uri: the pictures to show
    thresholds: Mapping[str, object]
    tiny: bool  # all models belong to the tiny world
    tunings: tuple[Tuning, ...] = ()
    gates: tuple[Gate, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def score(self) -> str:
        """The column of the scores table that the map was made from."""
        return str(self.thresholds["score"])

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have relations."""
        return tuple(self.relations["task"].cast(pl.String).unique(maintain_order=True))
