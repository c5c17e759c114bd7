"""Parts: facts that the page loads when somebody looks, as columns of equal length."""

from typing_extensions import TypedDict


class Samples(TypedDict):
    """Samples of a task."""

    ids: dict[str, list[str]]  # pair → data_ids, one for each picture
    numbers: dict[str, list[int]]  # pair → which of a prompt's seeds each is; empty where each has one
    prompts: dict[str, str]  # data_id → prompt, of those with a picture
    sources: dict[str, str]  # data_id → content hash of its source picture, of those with both


class Scores(TypedDict):
    """Scores of a model on a task: for each pair of `Samples.ids` in turn its samples, packed by `trig.report.parts`."""

    x: str
    y: str


class Moves(TypedDict):
    """Paired mean differences of a task's pairs from a model to another, a row per pair: `trig.report.numbers.moves`."""

    a: str
    b: str
    pair: list[str]
    n: list[int]
    x: list[float | None]
    x_low: list[float | None]
    x_high: list[float | None]
    y: list[float | None]
    y_low: list[float | None]
    y_high: list[float | None]


class DrawSet(TypedDict):
    """Bootstrap weights of clouds with equal cluster labels."""

    labels: list[int] | None  # cluster of each sample; None: each is its own
    clusters: int
    counts: str  # deflated bytes: how often each resample holds each cluster, resample by resample


class Draws(TypedDict):
    """Bootstrap weights of a task's clouds."""

    of: list[list[int | None]]  # for each model, for each pair of `Samples.ids`: its set; None where there is none
    sets: list[DrawSet]
