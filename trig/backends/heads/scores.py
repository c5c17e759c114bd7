"""Arithmetic of heads: attributes from pooled states, and scores of pictures by their agreement with prompts."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from trig.backends.heads.card import NONE, Card, Centred, Classes, Factor, Floats, Parts, Read, Score, Stand, Term, names
from trig.vocabulary.dimensions import Dimension

DECIMALS = 2
"""Of a score: what two heads are sure of is a tie, whatever is left of doubt."""


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
    if score.terms or score.centred:
        found = found * np.clip(sum(_term(card, term, shown) for term in score.terms) + _centred(card, score.centred, shown), 0, 1)
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
    wants, things = names(card.text), names(card.picture)
    wanted = np.stack([_there(asked, card.text, f"{want}.{parts.match[0].asked}") for want in wants], axis=1)
    fits = _table(parts.match, asked, shown, wants, things)
    chosen = _assigned(fits * wanted[:, :, None])
    rows = np.arange(len(wanted))[:, None]
    worth = _table(parts.worth, asked, shown, wants, things)[rows, np.arange(len(wants)), chosen]
    counts = (
        np.stack([asked[f"{want}.{parts.match[0].asked}"] @ np.asarray(parts.counts, float) for want in wants], axis=1)
        if parts.counts
        else 1.0
    )
    found = (worth * wanted * counts).sum(axis=1) / np.maximum((wanted * counts).sum(axis=1), 1e-6)
    if stand:
        found = _stand(card, stand, asked, shown, (wants, things), chosen, found)
    there = np.sum([_there(shown, card.picture, f"{thing}.{parts.match[0].shown}") for thing in things], axis=0)
    return np.asarray(found * (1 - (1 - parts.more) * np.clip(there - wanted.sum(axis=1), 0, 1)))


def _term(card: Card, term: Term, shown: Read) -> Floats:
    """Expected worth, (rows,)."""
    if term.over == "picture":
        return _expected(term, shown, "")
    there, parts = _are_there(card, term.there, shown)
    worth = np.stack([_expected(term, shown, f"{part}.") for part in parts], axis=1) * there
    return np.asarray(worth.sum(axis=1) / (np.maximum(there.sum(axis=1), 1e-6) if term.over == "mean" else 1.0))


def _expected(term: Term, shown: Read, part: str) -> Floats:
    """(rows,). An attribute that parts do not have is the picture's."""
    first, *rest = (shown[part + name] if part + name in shown else shown[name] for name in term.shown)
    found = np.tensordot(first, np.array(term.worth, float), axes=1)
    for probabilities in rest:
        found = np.einsum("rc,rc...->r...", probabilities, found)
    return np.asarray(found)


def _centred(card: Card, centred: Centred | None, shown: Read) -> Floats | float:
    """(rows,); 0 without any."""
    if centred is None:
        return 0.0
    there, parts = _are_there(card, centred.there, shown)
    places = np.stack([value(shown[f"{part}.{centred.shown}"], card.levels[centred.shown]) for part in parts], axis=1)
    middle = (places * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1e-6)
    return np.asarray(centred.worth * (1 - np.clip(np.abs(middle - centred.middle) / centred.reach, 0, 1)))


def _are_there(card: Card, by: str, shown: Read) -> tuple[Floats, list[str]]:
    """Probabilities that each part is there, (rows, parts), and their names."""
    parts = names(card.picture)
    return np.stack([_there(shown, card.picture, f"{part}.{by}") for part in parts], axis=1), parts


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
