"""Facts of the page: those of the digest, and the map at the thresholds of the run. Relations are columns of equal length."""

from collections.abc import Mapping, Sequence

from typing_extensions import TypedDict

from trig.params.thresholds import Thresholds
from trig.report.facts.digest import DigestFacts, Gate
from trig.vocabulary.groups import Group


class Legend(TypedDict):
    """Entry of the legend."""

    relation: str
    glyph: str
    about: str


class Relations(TypedDict):
    """Columns of the relations table that the page shows; they are explained in `trig/tables/relations.py`."""

    model: list[str]
    task: list[str]
    pair: list[str]
    n: list[int]
    nulls: list[int]
    clusters: list[int]
    off_mass: list[float | None]
    noise: list[float | None]
    rho: list[float | None]
    n_synergy: list[int]
    n_bottleneck: list[int]
    n_tradeoff: list[int]
    density_synergy: list[float | None]
    density_bottleneck: list[float | None]
    n_above: list[int]
    n_below: list[int]
    slope: list[float | None]
    intercept: list[float | None]
    mean_x: list[float | None]
    mean_y: list[float | None]
    median_x: list[float | None]
    median_y: list[float | None]
    relation: list[str]
    leaning: list[str | None]
    favoured: list[str | None]
    kind: list[str | None]
    evidence: list[str | None]
    stability: list[float | None]
    runner_up: list[str | None]
    runner_up_share: list[float | None]
    tilt_p: list[float | None]
    tilt_q: list[float | None]
    conflict_p: list[float | None]
    conflict_q: list[float | None]
    rho_low: list[float | None]
    rho_high: list[float | None]
    density_synergy_low: list[float | None]
    density_synergy_high: list[float | None]
    density_bottleneck_low: list[float | None]
    density_bottleneck_high: list[float | None]
    mean_x_low: list[float | None]
    mean_x_high: list[float | None]
    mean_y_low: list[float | None]
    mean_y_high: list[float | None]
    mean_gap_low: list[float | None]
    mean_gap_high: list[float | None]
    median_gap_low: list[float | None]
    median_gap_high: list[float | None]


class Map(TypedDict):
    """Groups of a model's map."""

    model: str
    task: str
    groups: Sequence[Group]


class Cell(TypedDict):
    """Verdict of a pair of the majority-vote map."""

    pair: str
    relation: str
    leaning: str | None
    evidence: str | None


class Overall(TypedDict):
    """Majority-vote map of a task: `trig.classify.map.overall`."""

    cells: list[Cell]  # of pairs with a majority verdict
    groups: Sequence[Group]


class Agreement(TypedDict):
    """Agreement of the maps of two models, as of `trig.classify.compare.Agreement`."""

    a: str
    b: str
    task: str
    pairs: int
    equal: int
    kappa: float | None
    kappa_reason: str | None


class PublishedMeans(TypedDict):
    """Published mean scores of a model, with or without DTM-rewritten prompts."""

    task: str
    model: str
    dtm: bool
    means: dict[str, float]


class PublishedRelation(TypedDict):
    """Published verdict of a pair."""

    model: str
    task: str
    pair: str
    relation: str
    leaning: str | None
    rho: float | None


class Published(TypedDict):
    """Published numbers of the paper, shown apart from the run's own."""

    source: str
    means: list[PublishedMeans]
    relations: list[PublishedRelation]
    maps: list[Map]


class First(TypedDict):
    """What is shown at first."""

    model: str
    pair: str


class Facts(DigestFacts):
    """All facts of the page."""

    names: dict[str, str]  # dimension → its name
    high: dict[str, str]  # dimension → what a high score means
    groups: dict[str, str]  # dimension → its class
    tasks: Sequence[str]
    pairs: dict[str, list[str]]  # task → pairs with relations
    thresholds: Thresholds
    score: str  # classified score in words
    correlations: Mapping[str, str]  # correlation → its name
    legend: list[Legend]
    relations: Relations
    maps: list[Map]
    overall: Mapping[str, Overall]  # task → majority-vote map
    agreements: Sequence[Agreement]
    gates: Sequence[Gate]
    published: Published
    first: First
