"""Facts that hold whatever the thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import TypedDict

from trig.report.facts.figures import Figures
from trig.report.facts.fronts import Fronts
from trig.report.facts.prompting import Prompted
from trig.report.facts.proof import Proved


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


class Rubric(TypedDict):
    """What the judge is asked about a dimension."""

    task: str
    dimension: str
    text: str


class Rubrics(TypedDict):
    """Rubrics of a run."""

    name: str  # brief, full, or a folder
    texts: list[Rubric]  # of the scored tasks and dimensions


class Mean(TypedDict):
    """Mean score of a model on a dimension, as of `trig.report.numbers.means`."""

    task: str | None  # None: over all tasks
    model: str
    dimension: str
    mean: float | None
    low: float | None
    high: float | None
    n: int
    nulls: int


class Level(TypedDict):
    """Mean of a model's dimension means, as of `trig.report.numbers.levels`."""

    task: str | None  # None: over all tasks
    model: str
    mean: float | None
    high: float | None
    n: int
    nulls: int


class Change(TypedDict):
    """Paired mean difference of two models on a dimension, as of `trig.report.numbers.changes`."""

    task: str
    pair: str | None  # None: over all pairs
    dimension: str
    before: float
    after: float
    mean: float
    low: float | None
    high: float | None
    n: int


class Directed(Change):
    """Change with its direction."""

    kind: str  # rise or fall when the interval excludes 0, else unclear


class Couple(TypedDict):
    """Changes from a model to another."""

    a: str
    b: str
    rows: list[Directed]


class Grid(TypedDict):
    """How pictures lie on a sheet."""

    columns: int
    rows: int
    width: int  # of a cell in pixels
    height: int


class Sheet(Grid):
    """Layout of the sheet of a model's pair."""

    names: Sequence[tuple[str, int]]  # data_id and number per cell


class Contact(Sheet):
    """Layout of a model's contact sheet of a task."""

    pairs: Sequence[str]  # per cell


class Diagnosis(TypedDict):
    """Judge diagnostics of a model and dimension."""

    model: str
    dimension: str
    n: int
    nulls: int
    confidence_mean: float | None
    confidence_5: float | None
    confidence_95: float | None
    off_mass_mean: float | None
    off_mass_95: float | None


class Mode(TypedDict):
    """How a judge answered, and how often."""

    judge: str
    engine: str
    mode: str
    n: int


class Step(TypedDict):
    """Bin of a histogram."""

    dimension: str
    low: float
    high: float
    share: float


class Histograms(TypedDict):
    """Normalised histograms per dimension."""

    confidence: list[Step]
    off_mass: list[Step]  # log10


class Missing(TypedDict):
    """Count of missing scores."""

    model: str
    reason: str
    n: int


class Specs(TypedDict):
    """Vega-Lite specifications by the name of the chart."""

    matrix: dict[str, Any]
    graph: dict[str, Any]
    scatter: dict[str, Any]
    means: dict[str, Any]
    change: dict[str, Any]
    confidence: dict[str, Any]
    off_mass: dict[str, Any]
    plane: dict[str, Any]


class DigestFacts(TypedDict):
    """Threshold-independent facts."""

    inside: bool  # samples and pictures are in the page, not in `files/`
    models: Sequence[str]  # in roster order
    samples: int  # pictures with the two dimensions of their pair
    seeds: int  # pictures of each prompt
    means: list[Mean]
    levels: list[Level]
    figures: Figures  # what is measured of the pictures
    changes: list[Couple]  # of all model pairs, in roster order, a base before its fine-tuned model
    tunings: Sequence[Tuning]
    sheets: dict[str, Sheet]  # asset name → layout
    contacts: dict[str, Contact]  # likewise; empty where no pictures are kept
    diagnoses: list[Diagnosis]
    modes: list[Mode]
    histograms: Histograms
    nulls: list[Missing]
    yardstick: Yardstick | None
    rubrics: Rubrics
    fronts: Fronts
    promptings: list[Prompted]
    proofs: list[Proved]
    versions: Mapping[str, str]
    settings: Mapping[str, str]  # seeds, model calls and hashes, shown verbatim
    specs: Specs
