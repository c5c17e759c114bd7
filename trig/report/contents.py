"""What a report is made of. The stages fill these in; the page and the stills only draw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from trig.report.sheets import Sheet


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
    notes: tuple[str, ...] = ()  # what it tells of the table that stops nothing: cut prompts, missing pictures, several engines


@dataclass(frozen=True, slots=True)
class Yardstick:
    """How well the judge agrees with truth or with people, as somebody measured it before."""

    against: str  # what it was compared with, in words
    rho: Mapping[str, float]  # dimension → Spearman's rho, -1..1
    n: Mapping[str, int]  # dimension → answers compared


@dataclass(frozen=True, slots=True)
class Published:
    """Numbers of the paper, shown beside one's own and never mixed in."""

    source: str
    means: pl.DataFrame  # task, model, dtm, dimension, mean
    relations: pl.DataFrame  # model, task, pair, relation, leaning, rho, mean_x, mean_y
    maps: Mapping[tuple[str, str], tuple[str, ...]]  # (model, task) → its groups in words


@dataclass(frozen=True, slots=True)
class Judged:
    """A run as the judge left it: everything the report shows that no limit of the rule decides."""

    models: tuple[str, ...]  # in the order of the roster
    prompts: pl.DataFrame  # PROMPTS
    scores: pl.DataFrame  # SCORES, and `root`: a number for the prompt that this one was copied or edited from in the end
    answers: pl.DataFrame  # the same, each model's answers once: a picture may stand in several pairs
    points: pl.DataFrame  # POINTS
    score: str  # the column of the scores table that the map is made from
    sheets: Sequence[Sheet]  # which pictures are shown
    pictures: Mapping[str, bytes]  # key of a sheet → the sheet as WebP
    metrics: Mapping[str, Any]  # what metrics.json tells of prompts and scores
    tiny: bool  # all models belong to the tiny world
    tunings: tuple[Tuning, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)  # seeds, the calls of the models, and hashes, shown as they stand
    yardstick: Yardstick | None = None

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have samples."""
        return tuple(self.points["task"].unique().sort().cast(pl.String))


@dataclass(frozen=True, slots=True)
class Digest:
    """What is told of a run as the judge left it, in values of JSON."""

    facts: Mapping[str, Any]  # what every page of the report needs at once
    parts: Mapping[str, str]  # samples and pictures that the page holds, name → JSON; none where they lie beside it
    metrics: Mapping[str, Any]  # what metrics.json tells of prompts and scores
    changes: Sequence[Sequence[Mapping[str, Any]]]  # of each tuned model, the rows of `trig.report.numbers.changes`
    libraries: str  # the scripts that draw charts in a browser


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything the report shows."""

    digest: Digest
    relations: pl.DataFrame  # RELATIONS
    maps: Mapping[tuple[str, str], tuple[str, ...]]  # (model, task) → its groups in words, a line each
    overall: Mapping[str, tuple[str, ...]]  # task → the groups that more than half of the models show
    agreements: Sequence[Mapping[str, object]]  # a, b, task and how far their maps agree: pairs, equal, kappa, kappa_reason
    thresholds: Mapping[str, object]
    gates: tuple[Gate, ...] = ()
    published: Published | None = None

    @property
    def models(self) -> tuple[str, ...]:
        """In the order of the roster."""
        return tuple(self.digest.facts["models"])

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have relations."""
        return tuple(self.relations["task"].unique().sort().cast(pl.String))

    @property
    def tiny(self) -> bool:
        """Whether all models belong to the tiny world."""
        return bool(self.digest.facts["tiny"])

    @property
    def tunings(self) -> tuple[Tuning, ...]:
        """The tuned models."""
        return tuple(Tuning(**{**one, "pairs": tuple(one["pairs"])}) for one in self.digest.facts["tunings"])

    def rows(self, name: str, task: str | None = None) -> list[Mapping[str, Any]]:
        """The `means` or `levels` of all models, over all tasks or, where there are several, of one."""
        asked = task if len(self.tasks) > 1 else None
        return [row for row in self.digest.facts[name] if row["task"] == asked]
