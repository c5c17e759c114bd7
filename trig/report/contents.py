"""What a report is made of. The stage fills these in; the page and the stills only draw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
class Contents:
    """Everything the report shows."""

    models: tuple[str, ...]  # in the order of the roster
    prompts: pl.DataFrame  # PROMPTS
    scores: pl.DataFrame  # SCORES
    answers: pl.DataFrame  # the same, each model's answers once: a picture may stand in several pairs
    points: pl.DataFrame  # model, task, pair, data_id, x, y: one row per sample
    relations: pl.DataFrame  # RELATIONS
    maps: Mapping[tuple[str, str], tuple[str, ...]]  # (model, task) → its groups in words, a line each
    overall: Mapping[str, tuple[str, ...]]  # task → the groups that more than half of the models show
    agreements: Sequence[Mapping[str, object]]  # a, b, task and how far their maps agree: pairs, equal, kappa, kappa_reason
    sheets: Sequence[Sheet]  # which pictures are shown
    pictures: Mapping[str, bytes]  # key of a sheet → the sheet as WebP
    thresholds: Mapping[str, object]
    tiny: bool  # all models belong to the tiny world
    tunings: tuple[Tuning, ...] = ()
    gates: tuple[Gate, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)  # seeds, the calls of the models, and hashes, shown as they stand
    yardstick: Yardstick | None = None
    published: Published | None = None

    @property
    def score(self) -> str:
        """The column of the scores table that the map was made from."""
        return str(self.thresholds["score"])

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have relations."""
        return tuple(self.relations["task"].cast(pl.String).unique(maintain_order=True))
