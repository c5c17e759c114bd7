"""Data model of the report: assembled by `gather` and `assemble`, rendered by page and static images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from trig.classify.samples import seeds_of
from trig.params.proof import Proof
from trig.params.sweeps import Curve
from trig.params.thresholds import Thresholds
from trig.prompting.outcome import Card
from trig.proof.evidence import Evidence
from trig.report.facts.digest import Change, DigestFacts, Gate, Level, Mean, Rubrics, Tuning, Yardstick
from trig.report.facts.figures import Figures
from trig.report.facts.page import Agreement, Overall, Published
from trig.report.sheets import Sheet
from trig.vocabulary.groups import Group


@dataclass(frozen=True, slots=True)
class Background:
    """What is told of a run beside its scores."""

    tiny: bool  # all models are built-in tiny ones
    rubrics: Rubrics
    tunings: tuple[Tuning, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)  # seeds, model calls and hashes, shown verbatim
    yardstick: Yardstick | None = None
    curves: tuple[Curve, ...] = ()  # of the roster
    promptings: Mapping[str, Card] = field(default_factory=dict)  # of the roster
    proof: Proof | None = None  # what tuned models have to show
    proofs: Mapping[str, Evidence] = field(default_factory=dict)  # of tuned models of the roster


@dataclass(frozen=True, slots=True)
class Gathered:
    """Threshold-independent part of a run."""

    models: tuple[str, ...]  # in roster order
    prompts: pl.DataFrame  # PROMPTS
    scores: pl.DataFrame  # DIAGNOSED with `root`, the number of the root prompt (cluster label)
    answers: pl.DataFrame  # `scores` without the duplicates of pictures that belong to several pairs
    points: pl.DataFrame  # POINTS
    score: str  # score column that is classified
    bootstraps: int  # resamples of each cloud
    sheets: Sequence[Sheet]  # contact sheets
    pictures: Mapping[str, bytes]  # sheet key → WebP
    metrics: Mapping[str, Any]  # threshold-independent part of metrics.json
    background: Background
    pixels: pl.DataFrame  # FIGURES with `root`
    figures: Figures  # what is measured of the pictures
    originals: Mapping[str, bytes]  # content hash of a source picture → WebP
    libraries: str  # bundled chart JavaScript

    @property
    def seeds(self) -> int:
        """Pictures of each prompt."""
        return seeds_of(self.points)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks with samples."""
        return tuple(self.points["task"].unique().sort().cast(pl.String))


@dataclass(frozen=True, slots=True)
class Digest:
    """Threshold-independent part of the report as JSON values."""

    facts: DigestFacts  # loaded with the page
    parts: Mapping[str, str]  # embedded samples and pictures, name → JSON; empty when they are separate files
    metrics: Mapping[str, Any]  # threshold-independent part of metrics.json
    changes: Sequence[Sequence[Change]]  # per tuned model
    libraries: str  # bundled chart JavaScript
    tiny: bool  # all models are built-in tiny ones


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything the report shows."""

    digest: Digest
    relations: pl.DataFrame  # RELATIONS
    maps: Mapping[tuple[str, str], tuple[Group, ...]]  # (model, task) → groups
    overall: Mapping[str, Overall]  # task → majority-vote map
    agreements: Sequence[Agreement]  # of any two models' maps
    thresholds: Thresholds
    gates: tuple[Gate, ...]
    published: Published
    metrics: Mapping[str, object]  # metrics.json

    @property
    def models(self) -> tuple[str, ...]:
        """In roster order."""
        return tuple(self.digest.facts["models"])

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks with relations."""
        return tuple(self.relations["task"].unique().sort().cast(pl.String))

    @property
    def levels(self) -> list[Level]:
        """Means of all models over all tasks."""
        return [row for row in self.digest.facts["levels"] if row["task"] is None]

    def means(self, model: str, task: str) -> list[Mean]:
        """Mean scores of a model on a task, without missing ones."""
        asked = task if len(self.tasks) > 1 else None
        own = (row for row in self.digest.facts["means"] if (row["model"], row["task"]) == (model, asked))
        return [row for row in own if row["mean"] is not None]
