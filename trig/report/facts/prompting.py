"""Facts of prompted models; empty without any. Changes are explained in `trig/prompting/outcome.py`."""

from typing_extensions import TypedDict


class Changed(TypedDict):
    """Paired change of the mean of a pair's two scores from the base, on test prompts."""

    n: int
    before: float | None
    after: float | None
    change: float | None
    low: float | None
    high: float | None


class Group(Changed):
    """The same over several pairs."""

    scope: str
    pairs: int


class Learnt(Changed):
    """A pair: what was learnt of it on train prompts, and the change on test prompts."""

    task: str
    pair: str
    relation: str  # on train prompts
    instruction: str | None
    recipe: str | None  # None: prompts stay
    trials: int
    gain: float | None  # on train prompts, of the figure that was to rise
    gain_low: float | None
    gain_high: float | None


class Prompted(TypedDict):
    """A model whose prompts were rewritten, or whose pictures were chosen."""

    model: str
    base: str
    by: str
    writer: str | None
    flag: str | None  # what flatters its figures
    pictures: int  # that it has cost
    draws: int | None  # seeds that a picture was chosen from
    left_out: int  # candidates for which the budget did not suffice
    groups: list[Group]
    pairs: list[Learnt]
