"""Data model of the report: filled by the stages, rendered by page and static images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from trig.report.sheets import Sheet


@dataclass(frozen=True, slots=True)
class Tuning:
    """Fine-tuned model and its base."""

    base: str
    tuned: str
    pairs: tuple[str, ...]  # target pairs
    notes: Mapping[str, str] = field(default_factory=dict)  # training details, shown verbatim


@dataclass(frozen=True, slots=True)
class Gate:
    """Data quality gate result of one table."""

    table: str
    passed: bool
    checks: int
    failures: tuple[str, ...] = ()  # one line per failed expectation
    link: str | None = None  # its validation page, relative to the report
    notes: tuple[str, ...] = ()  # non-failing findings: truncated prompts, missing pictures, several engines


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Judge agreement with ground truth or human ratings, measured beforehand."""

    against: str  # name of the reference
    rho: Mapping[str, float]  # dimension → Spearman's rho, -1..1
    n: Mapping[str, int]  # dimension → sample size


@dataclass(frozen=True, slots=True)
class Published:
    """Published numbers of the paper, shown apart from the run's own."""

    source: str
    means: pl.DataFrame  # task, model, dtm, dimension, mean
    relations: pl.DataFrame  # model, task, pair, relation, leaning, rho, mean_x, mean_y
    maps: Mapping[tuple[str, str], tuple[str, ...]]  # (model, task) → groups in words


@dataclass(frozen=True, slots=True)
class Judged:
    """Threshold-independent part of a run."""

    models: tuple[str, ...]  # in roster order
    prompts: pl.DataFrame  # PROMPTS
    scores: pl.DataFrame  # SCORES with `root`, the number of the root prompt (cluster label)
    answers: pl.DataFrame  # `scores` without the duplicates of pictures that belong to several pairs
    points: pl.DataFrame  # POINTS
    score: str  # score column that is classified
    sheets: Sequence[Sheet]  # contact sheets
    pictures: Mapping[str, bytes]  # sheet key → WebP
    metrics: Mapping[str, Any]  # threshold-independent part of metrics.json
    tiny: bool  # all models are built-in tiny ones
    tunings: tuple[Tuning, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)  # seeds, model calls and hashes, shown verbatim
    yardstick: Yardstick | None = None

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks with samples."""
        return tuple(self.points["task"].unique().sort().cast(pl.String))


@dataclass(frozen=True, slots=True)
class Digest:
    """Threshold-independent part of the report as JSON values."""

    facts: Mapping[str, Any]  # loaded with the page
    parts: Mapping[str, str]  # embedded samples and pictures, name → JSON; empty when they are separate files
    metrics: Mapping[str, Any]  # threshold-independent part of metrics.json
    changes: Sequence[Sequence[Mapping[str, Any]]]  # per tuned model, the rows of `trig.report.numbers.changes`
    libraries: str  # bundled chart JavaScript


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything the report shows."""

    digest: Digest
    relations: pl.DataFrame  # RELATIONS
    maps: Mapping[tuple[str, str], tuple[str, ...]]  # (model, task) → groups in words, a line each
    overall: Mapping[str, tuple[str, ...]]  # task → groups of the majority-vote map
    agreements: Sequence[Mapping[str, object]]  # a, b, task and the inter-map agreement: pairs, equal, kappa, kappa_reason
    thresholds: Mapping[str, object]
    gates: tuple[Gate, ...] = ()
    published: Published | None = None

    @property
    def models(self) -> tuple[str, ...]:
        """In roster order."""
        return tuple(self.digest.facts["models"])

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks with relations."""
        return tuple(self.relations["task"].unique().sort().cast(pl.String))

    @property
    def tiny(self) -> bool:
        """Whether all models are built-in tiny ones."""
        return bool(self.digest.facts["tiny"])

    @property
    def tunings(self) -> tuple[Tuning, ...]:
        """Fine-tuned models."""
        return tuple(Tuning(**{**one, "pairs": tuple(one["pairs"])}) for one in self.digest.facts["tunings"])

    def rows(self, name: str, task: str | None = None) -> list[Mapping[str, Any]]:
        """`means` or `levels` of all models, over all tasks or, where there are several, of one."""
        asked = task if len(self.tasks) > 1 else None
        return [row for row in self.digest.facts[name] if row["task"] == asked]
