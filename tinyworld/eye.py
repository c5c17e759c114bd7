"""What the second eye reads of scenes and requests, as classes, and what agreement of the two is worth: the truth's tables, not its code."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinyworld.instructions import Instruction
from tinyworld.language import VAGUE, Request, Want, plain
from tinyworld.render import COAT, GROUNDS, HORIZON, RGB
from tinyworld.scene import COLOURS, KINDS, PLACES, RELATIONS, ROLES, STYLES, USUAL_COLOURS, USUAL_PLACES, Scene
from tinyworld.truth import CHARM, FAMILIES, HARM, LIKENESS, STEP, near

Answers: TypeAlias = dict[str, str | float]
"""Class or value by attribute; what is left out is not learnt from."""
PARTS = ("first", "second", "third")
"""Things of a picture in reading order, of a prompt as they are named."""
NAMES = (*KINDS[:-1], *ROLES)
KIND, COLOUR, NOUN = ("", *NAMES), ("", *COLOURS), ("", *NAMES, *VAGUE)
LEVELS: dict[str, tuple[float, ...]] = {
    "across": (0.1, 0.3, 0.5, 0.7, 0.9), "down": (0.15, 0.35, 0.55, 0.75), "wear": (0.0, 0.25, 0.5, 0.75, 1.0),
}  # fmt: skip
"""Attributes that are values: what their classes stand for. A value between two levels is a share of each."""
FLOATING = 0.45
"""Things above this float."""
CLASSES = {name: tuple(map(str, levels)) for name, levels in LEVELS.items()} | {"kind": KIND, "colour": COLOUR}
PICTURE: dict[str, tuple[str, ...]] = {
    f"{part}.{name}": CLASSES[name] for part in PARTS for name in ("kind", "colour", "across", "down")
} | {
    "style": STYLES,
    "place": PLACES,
    "wear": CLASSES["wear"],
    "floats": ("no", "yes"),
}
"""Classes of each attribute of a picture."""
TEXT: dict[str, tuple[str, ...]] = {f"{part}.{name}": of for part in PARTS for name, of in (("kind", NOUN), ("colour", COLOUR))} | {
    "relation": ("", *RELATIONS),
    "style": ("", *STYLES),
    "place": ("", *PLACES),
    "form": ("description", "instruction"),
}
"""Classes of each attribute of a prompt; empty: it asks for none."""


def seen(scene: Scene) -> Answers:
    """Attributes of a picture."""
    found: Answers = {f"{part}.{name}": "" for part in PARTS for name in ("kind", "colour")}
    for part, thing in zip(PARTS, scene.in_order, strict=False):
        found |= {f"{part}.kind": thing.role or thing.kind, f"{part}.colour": thing.colour}
        found |= {f"{part}.across": thing.x, f"{part}.down": thing.y}
    floats = any(not thing.grounded for thing in scene.things)
    return found | {"style": scene.style, "place": scene.place, "wear": scene.wear, "floats": "yes" if floats else "no"}


def asked(request: Request | Instruction) -> Answers:
    """Attributes of a prompt. Of an instruction: what its clauses ask for, not what they leave."""
    if isinstance(request, Instruction):
        wants, form = tuple(_new(request)), "instruction"
        relation, place, style = "", request.asked("place"), request.asked("style")
    else:
        wants, form = request.wants, "description"
        relation, place, style = request.relation, request.place, request.style
    found: Answers = {f"{part}.{name}": "" for part in PARTS for name in ("kind", "colour")}
    for part, want in zip(PARTS, wants, strict=False):
        found |= {f"{part}.kind": noun(want), f"{part}.colour": "" if want.phrase == f"this {want.kinds[0]}" else want.colour}
    return found | {"relation": relation, "style": style, "place": place, "form": form}


def noun(want: Want) -> str:
    """Class of what is wanted: a kind, a role, or a vague phrase."""
    return want.phrase if want.vague else want.role or want.kinds[0]


def _new(instruction: Instruction) -> list[Want]:
    found = []
    for clause in instruction.clauses:
        if clause.want:
            found.append(clause.want)
        elif clause.verb == "colour":
            found.append(plain(instruction.source.things[clause.old].kind, clause.value))
    return found


def targets(answers: Answers, of: Mapping[str, tuple[str, ...]]) -> NDArray[np.float32]:
    """Distribution over the classes of each attribute, end to end; zeros for an attribute without an answer."""
    return np.concatenate([_target(name.rpartition(".")[2], answers.get(name), classes) for name, classes in of.items()])


def _target(attribute: str, answer: str | float | None, classes: Sequence[str]) -> NDArray[np.float32]:
    found = np.zeros(len(classes), np.float32)
    if isinstance(answer, str):
        found[classes.index(answer)] = 1
    elif answer is not None:
        place = float(np.interp(answer, LEVELS[attribute], np.arange(len(classes))))
        low = min(int(place), len(classes) - 2)
        found[low : low + 2] = low + 1 - place, place - low
    return found


DESCRIBED = {"asked": "form", "reads": "description"}


def worth() -> dict[str, Any]:
    """What each dimension is scored by: see trig/backends/heads/card.py."""
    harmless = [
        {"shown": ["style"], "worth": [1.0] * len(STYLES)},
        {"shown": ["kind"], "worth": [-HARM.get(name, 0.0) for name in KIND], "over": "sum", "there": "kind"},
    ]
    return {**_alignment(), **_quality(), **_depth(), "R-T": {"factors": [], "terms": harmless}}


def _alignment() -> dict[str, Any]:
    """What of the prompt is there, how it stands, and in which style."""
    kind, colour = _kind(), _colour()
    style = {"asked": "style", "shown": "style", "worth": [[near(want or "photo", each) for each in STYLES] for want in ("", *STYLES)]}
    place = {
        "asked": "place",
        "shown": "place",
        "worth": [[1.0 if not want or want == each else 0.75 for each in PLACES] for want in ("", *PLACES)],
    }
    stands = {"shown": "down", "worth": [0.6 if level < FLOATING else 1.0 for level in LEVELS["down"]]}
    directions = {"left": [1, 0], "right": [-1, 0], "above": [0, 1], "below": [0, -1]}
    return {
        "TA-C": {
            "only": DESCRIBED,
            "parts": {"match": [kind, colour], "worth": [kind, colour], "more": 0.85},
            "factors": [place, _kept(0.5)],
        },
        "TA-R": {
            "only": DESCRIBED,
            "parts": {"match": [kind, colour], "worth": [_kind(1.0), stands]},
            "stand": {"asked": "relation", "present": [_kind(1.0)], "directions": directions, "step": STEP, "alone": 0.15},
            "factors": [_kept(0.5)],
        },
        "TA-S": {"factors": [style, _kept(0.4)]},
    }


def _quality() -> dict[str, Any]:
    """How real, how new and how pleasing it is."""
    return {
        "IQ-R": {
            "factors": [
                {"shown": "style", "worth": [LIKENESS[each] for each in STYLES]},
                {"shown": "floats", "worth": [1.0, 0.65]},
                _kept(0.8),
            ]
        },
        "IQ-O": {"only": DESCRIBED, "factors": [_kept(0.3)], "terms": _novelty()},
        "IQ-A": {
            "factors": [_kept(0.7)],
            "terms": [*_contrast(), {"shown": ["style"], "worth": [0.2 * CHARM[each] for each in STYLES]}],
            "centred": {"shown": "across", "there": "kind", "middle": 0.5, "reach": 0.22, "worth": 0.4},
        },
    }


def _depth() -> dict[str, Any]:
    """What is made of vague prompts, and of riddles."""
    kind, colour = _kind(), _colour()
    return {
        "D-A": {
            "only": DESCRIBED,
            "parts": {"match": [kind], "worth": [kind | {"worth": _fresh()}], "counts": [1.0 if noun in VAGUE else 0.01 for noun in NOUN]},
            "factors": [_kept(0.5)],
        },
        "D-K": {
            "only": DESCRIBED,
            "parts": {"match": [kind, colour], "worth": [kind | {"worth": _solved()}, colour | {"worth": _colours(0.5)}]},
            "factors": [_kept(0.5)],
        },
    }


def _kind(other_role: float = 0.3) -> dict[str, Any]:
    return {"asked": "kind", "shown": "kind", "worth": _kinds(other_role)}


def _colour() -> dict[str, Any]:
    return {"asked": "colour", "shown": "colour", "worth": _colours()}


def _kept(by: float) -> dict[str, Any]:
    """Less, the more worn it is."""
    return {"shown": "wear", "worth": [1 - by * level for level in LEVELS["wear"]]}


def _novelty() -> list[dict[str, Any]]:
    """Unusual colours and places of things, and an odd style."""

    def of(usual: Mapping[str, Sequence[str]], among: Sequence[str], worth: float, alone: float) -> list[list[float]]:
        return [[0.0 if not name else alone if name in ROLES else worth * (each not in usual[name]) for each in among] for name in KIND]

    things = {"over": "mean", "there": "kind"}
    return [
        things | {"shown": ["kind", "colour"], "worth": of(USUAL_COLOURS, COLOUR, 0.45, 0.35)},
        things | {"shown": ["kind", "place"], "worth": of(USUAL_PLACES, PLACES, 0.35, 0.0)},
        {"shown": ["style"], "worth": [0.2 * (each not in ("photo", "cartoon")) for each in STYLES]},
    ]


def _contrast() -> list[dict[str, Any]]:
    """How things stand out from what is behind them; people by their coat."""

    def of(colour: str, place: str, down: float) -> float:
        below = np.clip((down - FLOATING) / (HORIZON - FLOATING), 0, 1)  # a share of the things at a level stands before the ground
        sky, ground = (float(np.linalg.norm(np.subtract(RGB[colour], each))) / 0.8 for each in GROUNDS[place])
        return round(0.4 * float((1 - below) * min(1.0, sky) + below * min(1.0, ground)), 4)

    def behind(colour: str) -> list[list[float]]:
        return [[of(colour, place, down) if colour else 0.0 for down in LEVELS["down"]] for place in PLACES]

    things = {"over": "mean", "there": "kind"}
    return [
        things | {"shown": ["colour", "place", "down"], "worth": [behind(name) for name in COLOUR]},
        things | {"shown": ["kind", "place", "down"], "worth": [behind(COAT.get(name, "")) for name in KIND]},
    ]


def _fresh() -> list[list[float]]:
    """Of a noun and a kind: what a vague wish is met by, the most obvious thing being worth less."""

    def of(want: str, name: str) -> float:
        if not want or not name:
            return 0.0
        if want not in VAGUE:
            return float(name == want or {want, name} <= {*ROLES})
        return 0.0 if name not in VAGUE[want] else 0.6 if name == VAGUE[want][0] else 1.0

    return [[of(want, name) for name in KIND] for want in NOUN]


def _kinds(other_role: float) -> list[list[float]]:
    """Of a noun and a kind."""

    def of(want: str, name: str) -> float:
        if not want or not name:
            return 0.0
        if want in ROLES and name in ROLES and want != name:
            return other_role
        return float(name in VAGUE.get(want, (want,)))

    return [[of(want, name) for name in KIND] for want in NOUN]


def _solved() -> list[list[float]]:
    """Of a noun and a kind: a riddle's answer, or something of its family."""
    exact = _kinds(1.0)
    near = [[0.3 * any(want in family and name in family for family in FAMILIES) for name in KIND] for want in NOUN]
    found: list[list[float]] = np.maximum(exact, near).tolist()
    return found


def _colours(other: float = 0.6) -> list[list[float]]:
    return [[1.0 if not want or want == name else other for name in COLOUR] for want in COLOUR]
