"""Facts that are measured of the pictures and not judged."""

from typing_extensions import TypedDict


class About(TypedDict):
    """A figure in words."""

    figure: str
    name: str
    means: str


class Level(TypedDict):
    """Mean of a figure over a model's pictures, with its cluster-robust interval."""

    task: str | None  # None: over all tasks
    model: str
    figure: str
    mean: float | None
    low: float | None
    high: float | None
    n: int
    nulls: int


class Link(TypedDict):
    """Correlation of a dimension's score with a figure within a model and task."""

    task: str
    model: str
    dimension: str
    figure: str
    within: str  # pictures: over all; prompts: deviations from the mean of the prompt's pictures
    r: float
    low: float | None
    high: float | None
    q: float | None  # false discovery rate over the model's links of this task and kind
    n: int


class Diverse(TypedDict):
    """Mean diversity of a prompt's pictures, over a model's prompts."""

    task: str | None  # None: over all tasks
    model: str
    vendi: float | None
    vendi_low: float | None
    vendi_high: float | None
    distance: float | None
    distance_low: float | None
    distance_high: float | None
    n: int  # prompts
    nulls: int


class Gap(TypedDict):
    """Paired difference of diversity, from a model to another, over the prompts that both have."""

    task: str | None  # None: over all tasks
    a: str
    b: str
    vendi: float
    vendi_low: float | None
    vendi_high: float | None
    distance: float
    distance_low: float | None
    distance_high: float | None
    n: int


class Figures(TypedDict):
    """All that is measured of the pictures. Diversity is empty where a prompt has one picture."""

    about: list[About]
    levels: list[Level]
    links: list[Link]
    diverse: list[Diverse]
    gaps: list[Gap]
    features: str | None  # what likeness means; None where there is no diversity
