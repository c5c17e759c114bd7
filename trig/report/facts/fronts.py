"""Facts of curves of a knob; empty without any. Their columns are explained in `trig/fronts/measure.py`."""

from collections.abc import Sequence

from typing_extensions import TypedDict


class Curve(TypedDict):
    """A knob of a model, and the models that are its settings."""

    name: str
    knob: str
    models: Sequence[str]  # by the knob's value, ascending
    values: Sequence[float]


class Setting(TypedDict):
    """Means of a model on a pair."""

    task: str
    pair: str
    model: str
    n: int
    x: float | None
    x_low: float | None
    x_high: float | None
    y: float | None
    y_low: float | None
    y_high: float | None
    front: bool


class Area(TypedDict):
    """Hypervolume of a curve on a pair."""

    task: str
    pair: str
    curve: str | None  # None: all models
    area: float
    area_low: float | None
    area_high: float | None


class Turned(TypedDict):
    """What a knob does to a pair; with `q`, its test as a conflict along the knob."""

    curve: str
    task: str
    pair: str
    n: int
    nulls: int
    clusters: int
    trend_x: float | None
    change_x: float | None
    change_x_low: float | None
    change_x_high: float | None
    change_y: float | None
    change_y_low: float | None
    change_y_high: float | None
    q: float | None


class Fronts(TypedDict):
    """Curves of a run, and what they show."""

    curves: list[Curve]
    settings: list[Setting]  # of all models
    areas: list[Area]
    turned: list[Turned]
