"""Linear heads beside a CLIP model: attributes of pictures and prompts, and dimensions scored by their agreement.

`heads.json` names the attributes in the order of the rows of `heads.safetensors`, with their classes. A name such as
`first.kind` is an attribute of a part: prompts and pictures have several, told apart by what is before the dot. Under `scores` it says what agreement is worth.
"""

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

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
DECIMALS = 2
"""Of a score: what two heads are sure of is a tie, whatever is left of doubt."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Factor(_Record):
    """Worth of what a picture shows, by what the prompt asks for where `asked` is given: (asked classes, shown classes), or (shown classes,)."""

    shown: str
    asked: str | None = None
    worth: list[list[float]] | list[float]


class Parts(_Record):
    """Mean worth of the parts that a prompt asks for, each in the part of the picture that it fits best; no part is taken twice.

    `more`: worth of a picture with a part that nobody asked for.
    """

    match: list[Factor]
    worth: list[Factor]
    more: float = 1.0


class Stand(_Record):
    """How the first part stands to the second, where the prompt says how it should: across and down to the second, by class.

    `step` is the distance that fulfils it wholly, `alone` the worth of each part that is there without the other.
    """

    asked: str
    present: list[Factor]
    directions: dict[str, tuple[float, float]]
    step: float
    alone: float


class Only(_Record):
    """Prompts whose likeliest class of an attribute is this."""

    asked: str
    reads: str


class Score(_Record):
    """A dimension: the product of its factors. `only`: of other prompts the heads cannot tell."""

    factors: list[Factor]
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
        pairs = [(f"{want}.", f"{thing}.") for want in _names(self.text) for thing in _names(self.picture)]
        for code, score in self.scores.items():
            parts = [*(score.parts.match + score.parts.worth if score.parts else ()), *(score.stand.present if score.stand else ())]
            for factor, places in [*((each, [("", "")]) for each in score.factors), *((each, pairs) for each in parts)]:
                for want, thing in places:
                    self._check(code, factor, want, thing)
            if score.only and score.only.reads not in self.text.get(score.only.asked, ()):
                raise ValueError(f"scores.{code}.only: {score.only.asked} has no class {score.only.reads}")
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


def read(states: Floats, weight: Floats, bias: Floats, attributes: Classes) -> Read:
    """Probabilities of each attribute, of pooled states (rows, width). Raises ValueError where the weights do not fit."""
    sizes = [len(classes) for classes in attributes.values()]
    if len(weight) != sum(sizes):
        raise ValueError(f"{len(weight)} rows, and the attributes have {sum(sizes)} classes")
    found = {}
    for name, logits in zip(attributes, np.split(states @ weight.T + bias, np.cumsum(sizes)[:-1], axis=1), strict=True):
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        found[name] = odds / odds.sum(axis=1, keepdims=True)
    return found


def value(probabilities: Floats, levels: Sequence[float]) -> Floats:
    """Expected value of an attribute whose classes are levels, (rows,)."""
    return np.asarray(probabilities @ np.asarray(levels, float))


def scores(card: Card, asked: Read, shown: Read) -> dict[Dimension, Floats]:
    """Score of each dimension in [0, 1], (rows,); NaN where the heads cannot tell."""
    return {dimension: np.clip(_score(card, score, asked, shown), 0, 1).round(DECIMALS) for dimension, score in card.scores.items()}


def by_source(card: Card, asked: Read, source: Read) -> Read:
    """What is asked for, where a prompt that asks for nothing of an attribute means what its source picture shows."""
    found = dict(asked)
    for name in asked.keys() & source.keys():
        classes = card.text[name]
        if "." in name or NONE not in classes:
            continue
        kept, nothing = asked[name].copy(), classes.index(NONE)
        for column, shown in enumerate(card.picture[name]):
            kept[:, classes.index(shown)] += asked[name][:, nothing] * source[name][:, column]
        kept[:, nothing] = 0
        found[name] = kept
    return found


def _score(card: Card, score: Score, asked: Read, shown: Read) -> Floats:
    found = np.prod([_form(factor, asked, shown) for factor in score.factors], axis=0)
    if score.parts:
        found = found * _parts(card, score.parts, score.stand, asked, shown)
    if score.only:
        likeliest = asked[score.only.asked].argmax(axis=1)
        found = np.where(likeliest == card.text[score.only.asked].index(score.only.reads), found, np.nan)
    return np.asarray(found)


def _form(factor: Factor, asked: Read, shown: Read, want: str = "", part: str = "") -> Floats:
    """Expected worth, (rows,)."""
    worth = shown[part + factor.shown] @ np.asarray(factor.worth, float).T
    return np.asarray((worth * asked[want + factor.asked]).sum(axis=1) if factor.asked else worth)


def _parts(card: Card, parts: Parts, stand: Stand | None, asked: Read, shown: Read) -> Floats:
    wants, things = _names(card.text), _names(card.picture)
    wanted = np.stack([_there(asked, card.text, f"{want}.{parts.match[0].asked}") for want in wants], axis=1)
    fits = _table(parts.match, asked, shown, wants, things)
    chosen = _assigned(fits * wanted[:, :, None])
    rows = np.arange(len(wanted))[:, None]
    worth = _table(parts.worth, asked, shown, wants, things)[rows, np.arange(len(wants)), chosen]
    found = (worth * wanted).sum(axis=1) / np.maximum(wanted.sum(axis=1), 1e-6)
    if stand:
        found = _stand(card, stand, asked, shown, (wants, things), chosen, found)
    there = np.sum([_there(shown, card.picture, f"{thing}.{parts.match[0].shown}") for thing in things], axis=0)
    return np.asarray(found * (1 - (1 - parts.more) * np.clip(there - wanted.sum(axis=1), 0, 1)))


def _there(probabilities: Read, attributes: Classes, name: str) -> Floats:
    """Probability that a part is there, by the attribute that names it."""
    return np.asarray(1 - probabilities[name][:, list(attributes[name]).index(NONE)])


def _stand(
    card: Card, stand: Stand, asked: Read, shown: Read, names: tuple[list[str], list[str]], chosen: NDArray[np.intp], otherwise: Floats
) -> Floats:
    """Where a prompt asks for a relation of the first two parts, how they stand; elsewhere what is found otherwise."""
    (wants, things), rows = names, np.arange(len(chosen))
    present = _table(stand.present, asked, shown, wants, things)
    one, other = (present[rows, number, chosen[:, number]] for number in (0, 1))
    across, down = (
        np.stack([value(shown[f"{thing}.{axis}"], card.levels[axis]) for thing in things], axis=1) for axis in ("across", "down")
    )
    right, below = (axis[rows, chosen[:, 1]] - axis[rows, chosen[:, 0]] for axis in (across, down))
    alone = stand.alone * (one * (1 - other) + other * (1 - one))
    found, classes = np.zeros(len(rows)), card.text[stand.asked]
    for column, name in enumerate(classes):
        direction = stand.directions.get(name)
        if direction:
            far = (direction[0] * right + direction[1] * below) / stand.step
            worth = one * other * np.clip(0.5 + 0.5 * far, 0, 1) + alone
        found += asked[stand.asked][:, column] * (worth if direction else otherwise)
    return found


def _table(factors: Sequence[Factor], asked: Read, shown: Read, wants: list[str], things: list[str]) -> Floats:
    """Worth of each part of the picture as each part of the prompt, (rows, wants, things)."""
    return np.stack(
        [
            np.stack(
                [np.prod([_form(factor, asked, shown, f"{want}.", f"{thing}.") for factor in factors], axis=0) for thing in things], axis=1
            )
            for want in wants
        ],
        axis=1,
    )


def _assigned(fits: Floats) -> NDArray[np.intp]:
    """Part of the picture for each part of the prompt, (rows, wants): the assignment of most worth."""
    wants, things = fits.shape[1:]
    options = np.array([*permutations(range(things), wants)])
    return np.asarray(options[fits[:, np.arange(wants), options].sum(axis=2).argmax(axis=1)])


def _names(attributes: Classes) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in attributes if "." in name))
