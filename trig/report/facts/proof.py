"""Facts of tuned models beside their bases, on test prompts; empty without any."""

from typing_extensions import TypedDict


class Seen(TypedDict):
    """Paired mean difference, with its 95 % cluster-robust interval."""

    before: float
    after: float
    change: float
    low: float | None
    high: float | None
    n: int


class Told(TypedDict):
    """A dimension, over all prompts or those of a target pair."""

    task: str
    pair: str | None  # None: over all prompts of the task
    dimension: str
    target: bool
    judge: Seen | None  # on prompts that are about the dimension
    eye: Seen | None  # on all prompts
    verdict: str  # trig.proof.verdicts
    why: str


class Monitor(Seen):
    """A weight-free figure of the pictures."""

    task: str
    figure: str
    drift: float | None  # standard deviations of the base's pictures; None: these are all equal
    astray: bool


class Spread(Seen):
    """Vendi score of a prompt's pictures over seeds."""

    task: str
    lost: float  # share of what is above 1, the score of equal pictures
    collapsed: bool


class Control(TypedDict):
    """Another way to change the same base: its changes of the target dimensions, by the judge, over all prompts."""

    model: str
    how: str
    pictures: int | None  # painted and judged to choose by
    changes: dict[str, Seen]  # dimension → change, of the task of the target


class Proved(TypedDict):
    """A tuned model."""

    model: str
    base: str
    pairs: list[str]
    eye: str | None  # the second eye; None: nobody but the judge
    stopped: str | None  # why its training ended early
    repaired: bool  # every target dimension improved, by both
    said: list[str]  # what it amounts to, in sentences
    rows: list[Told]
    monitors: list[Monitor]
    spreads: list[Spread]
    controls: list[Control]
