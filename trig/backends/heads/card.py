"""Linear heads beside a CLIP model: attributes of pictures and prompts, and dimensions scored by their agreement.

`heads.json` names the attributes in the order of the rows of `heads.safetensors`, with their classes. A name such as
`first.kind` is an attribute of a part: prompts and pictures have several, told apart by what is before the dot. Under `scores` it says what agreement is worth.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from trig.backends.weights import brief, located
from trig.errors import WeightsError
from trig.vocabulary.dimensions import Dimension

Floats: TypeAlias = NDArray[np.float64]
Read: TypeAlias = Mapping[str, Floats]
"""Probabilities of the classes by attribute, (rows, classes)."""
Classes: TypeAlias = Mapping[str, Sequence[str]]
"""Classes by attribute, in the order of the rows."""

HEADS, WEIGHTS = "heads.json", "heads.safetensors"
NONE = ""
"""Class of a prompt that asks for nothing of an attribute, and of a part that is not there."""
AXES = ("across", "down")
"""Attributes of a part of a picture that say where it is."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Factor(_Record):
    """Worth of what a picture shows, by what the prompt asks for where `asked` is given: (asked classes, shown classes), or (shown classes,)."""

    shown: str
    asked: str | None = None
    worth: list[list[float]] | list[float]


class Parts(_Record):
    """Mean worth of the parts that a prompt asks for, each in the part of the picture that it fits best; no part is taken twice.

    `more`: worth of a picture with a part that nobody asked for. `counts`: how much a part counts, by the class of the first of `match` that is asked
    for; empty: all alike.
    """

    match: list[Factor]
    worth: list[Factor]
    more: float = 1.0
    counts: list[float] = []


class Stand(_Record):
    """How the first part stands to the second, where the prompt says how it should: across and down to the second, by class.

    `step` is the distance that fulfils it wholly, `alone` the worth of each part that is there without the other.
    """

    asked: str
    present: list[Factor]
    directions: dict[str, tuple[float, float]]
    step: float
    alone: float


class Term(_Record):
    """What a picture is worth in itself: the sum of these. `worth` has an axis for each attribute of `shown`, which are taken as independent.

    `over` parts: the mean or the sum over those that are there, as `there` says.
    """

    shown: list[str]
    worth: list[Any]
    over: Literal["picture", "mean", "sum"] = "picture"
    there: str = ""


class Centred(_Record):
    """Worth of the middle of the parts that are there, on an axis: `worth` at `middle`, none from `reach` away."""

    shown: str
    there: str
    middle: float
    reach: float
    worth: float


class Only(_Record):
    """Prompts whose likeliest class of an attribute is this."""

    asked: str
    reads: str


class Score(_Record):
    """A dimension: the product of its factors, of what its parts are worth, and of the sum of its terms. `only`: of other prompts the heads cannot tell."""

    factors: list[Factor]
    terms: list[Term] = []
    centred: Centred | None = None
    only: Only | None = None
    parts: Parts | None = None
    stand: Stand | None = None


class Card(_Record):
    """Content of heads.json."""

    about: str
    picture: dict[str, list[str]]
    text: dict[str, list[str]]
    levels: dict[str, list[float]]  # of attributes that are values, by what is after the dot: what their classes stand for
    scores: dict[Dimension, Score]

    @model_validator(mode="after")
    def _fits(self) -> "Card":
        """Every factor is of attributes that the heads read, and as large as their classes; so are levels."""
        for name, classes in self.picture.items():
            if len(self.levels.get(name.rpartition(".")[2], classes)) != len(classes):
                raise ValueError(f"levels: as many as {name} has classes: {len(classes)}")
        pairs = [(f"{want}.", f"{thing}.") for want in names(self.text) for thing in names(self.picture)]
        for code, score in self.scores.items():
            parts = [*(score.parts.match + score.parts.worth if score.parts else ()), *(score.stand.present if score.stand else ())]
            for factor, places in [*((each, [("", "")]) for each in score.factors), *((each, pairs) for each in parts)]:
                for want, thing in places:
                    self._check(code, factor, want, thing)
            if score.only and score.only.reads not in self.text.get(score.only.asked, ()):
                raise ValueError(f"scores.{code}.only: {score.only.asked} has no class {score.only.reads}")
            self._check_terms(code, score)
            if score.stand and (score.stand.asked not in self.text or not {*AXES} <= self.levels.keys()):
                raise ValueError(f"scores.{code}.stand: {score.stand.asked} is no attribute, or {' or '.join(AXES)} has no levels")
        return self

    def _check(self, code: str, factor: Factor, want: str, thing: str) -> None:
        shown, asked = self.picture.get(thing + factor.shown), self.text.get(want + factor.asked) if factor.asked else []
        if shown is None or asked is None:
            raise ValueError(f"scores.{code}: {thing}{factor.shown} or {want}{factor.asked} is no attribute")
        wanted = (len(asked), len(shown)) if factor.asked else (len(shown),)
        if np.shape(factor.worth) != wanted:
            raise ValueError(f"scores.{code}: worth of {factor.shown} is {np.shape(factor.worth)}, and its classes are {wanted}")

    def _check_terms(self, code: str, score: Score) -> None:
        parts = names(self.picture)
        for term in score.terms:
            for part in [""] if term.over == "picture" else [f"{name}." for name in parts]:
                of = [self.picture.get(part + name, self.picture.get(name, [])) for name in term.shown]
                if _shape(code, term) != tuple(map(len, of)) or (part and part + term.there not in self.picture):
                    raise ValueError(
                        f"scores.{code}.terms: worth of {', '.join(part + name for name in term.shown)} does not fit their classes"
                    )
        if score.centred and not (
            score.centred.shown in self.levels and any(f"{part}.{score.centred.there}" in self.picture for part in parts[:1])
        ):
            raise ValueError(
                f"scores.{code}.centred: {score.centred.shown} has no levels, or {score.centred.there} is no attribute of parts"
            )
        if score.parts and score.parts.counts:
            first = next((f"{name}.{each.asked}" for name in names(self.text) for each in score.parts.match), "")
            if len(score.parts.counts) != len(self.text.get(first, ())):
                raise ValueError(f"scores.{code}.parts.counts: as many as {first or 'what is matched'} has classes")


def names(attributes: Classes) -> list[str]:
    """Parts that attributes are of, in order."""
    return list(dict.fromkeys(name.partition(".")[0] for name in attributes if "." in name))


def provable(weights: str, field: str) -> frozenset[str]:
    """Dimensions that an eye with these weights scores, without loading it. Raises WeightsError."""
    found = card(located(weights, field), f"{field}: {weights}")
    return frozenset(code.value for code in found.scores) if found else frozenset()


def _shape(code: str, term: Term) -> tuple[int, ...]:
    """Raises ValueError where a worth is no number, or rows are not of one length."""
    try:
        return np.shape(np.array(term.worth, float))
    except (TypeError, ValueError) as error:
        raise ValueError(f"scores.{code}.terms: worth: {error}") from None


def card(place: Path, where: str) -> Card | None:
    """What the heads in a folder read; None without heads. Raises WeightsError."""
    file = place / HEADS
    if not file.exists():
        return None
    try:
        return Card.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        said = error.errors()[0] if isinstance(error, ValidationError) else None
        told = f"{'.'.join(map(str, said['loc']))}: {said['msg']}" if said else brief(error)
        raise WeightsError(f"{where}: {HEADS}: {told}; restore the file") from None
