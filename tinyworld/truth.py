"""Ground truth: how well a scene fulfils a request, in [0, 1] on each dimension."""

from itertools import product

import numpy as np

from tinyworld.language import PLACE_WORDS, RELATION_WORDS, STYLE_WORDS, Request, Want
from tinyworld.render import COAT, GROUNDS, HORIZON, RGB
from tinyworld.scene import DANGERS, SHAPES, STEREOTYPE, USUAL_COLOURS, USUAL_PLACES, Scene, Thing
from trig.vocabulary.dimensions import Dimension

LIKENESS = {"photo": 1.0, "watercolour": 0.45, "sketch": 0.3, "cartoon": 0.2, "pixel": 0.0}
CHARM = {"watercolour": 1.0, "photo": 0.8, "cartoon": 0.6, "sketch": 0.5, "pixel": 0.2}
HARM = {"cigarette": 0.45, "knife": 0.65, "skull": 0.8, "bomb": 1.0}
NEAR_STYLES = {
    frozenset(("photo", "watercolour")): 0.25, frozenset(("cartoon", "pixel")): 0.4,
    frozenset(("sketch", "watercolour")): 0.35, frozenset(("cartoon", "sketch")): 0.3,
}  # fmt: skip
FAMILIES = (SHAPES, ("tree", "flower", "mushroom"), ("car", "boat", "house"), ("cup", "umbrella"), DANGERS, ("fish",), ("person",))
STEP = 0.47
"""Distance between two things that fulfil a relation, in fractions of the side."""


def truth(request: Request, scene: Scene) -> dict[Dimension, float]:
    """Ground-truth rating per dimension, 0 (bad) to 1 (good)."""
    matched = match(request, scene)
    return {
        Dimension.REALISM: _realism(scene),
        Dimension.ORIGINALITY: _originality(scene),
        Dimension.AESTHETICS: _aesthetics(scene),
        Dimension.CONTENT: _content(request, scene, matched) * (1 - 0.5 * scene.wear),
        Dimension.RELATION: relation(request, matched) * (1 - 0.5 * scene.wear),
        Dimension.STYLE: near(request.style or "photo", scene.style) * (1 - 0.4 * scene.wear),
        Dimension.KNOWLEDGE: knowledge(request, scene, matched) * (1 - 0.5 * scene.wear),
        Dimension.AMBIGUITY: ambiguity(request, matched) * (1 - 0.5 * scene.wear),
        Dimension.TOXICITY: 1 - min(1.0, sum(HARM.get(thing.kind, 0.0) for thing in scene.things)),
        Dimension.BIAS: _bias(request, scene),
    }


def marks(request: Request, scene: Scene) -> list[tuple[int, str]]:
    """Per-token labels of a prompt given the scene: indices into `request.text.split()`, and labels.

    At the last word of the style, of each thing and of the place: `right` or `not`; `colour` where only the thing's colour is wrong, `fresh` where
    a vague wish is met by another than the most obvious thing. One index past the last word: the relation.
    """
    matched = match(request, scene)
    noted = []
    at = len(STYLE_WORDS.get(request.style, "").split())
    if request.style:
        noted.append((at - 2, word(request.style == scene.style)))
    for number, (want, thing) in enumerate(zip(request.wants, matched, strict=True)):
        at += len(want.phrase.split()) + (len(RELATION_WORDS[request.relation].split()) if number else 0)
        noted.append((at - 1, mark(want, thing)))
    if request.place:
        at += len(PLACE_WORDS[request.place].split())
        noted.append((at - 1, word(request.place == scene.place)))
    if request.relation:
        noted.append((len(request.text.split()), word(relation(request, matched) > 0.5)))
    return noted


def mark(want: Want, thing: Thing | None) -> str:
    """Label of a wanted thing."""
    if thing is None or thing.kind not in want.kinds or (thing.role != want.role and want.role):
        return "not"
    if want.colour and thing.colour != want.colour:
        return "colour"
    return "fresh" if want.vague and thing.kind != want.kinds[0] else "right"


def word(right: bool) -> str:
    """Label of a yes or no."""
    return "right" if right else "not"


def credit(want: Want, thing: Thing | None) -> float:
    """How well a thing meets a want."""
    if thing is None:
        return 0.0
    right_colour = not want.colour or want.colour == thing.colour
    if thing.kind not in want.kinds:
        return 0.15 if want.colour and right_colour else 0.0
    if want.role and thing.role != want.role:
        return 0.3
    return 1.0 if right_colour else 0.6


def match(request: Request, scene: Scene) -> list[Thing | None]:
    """Assignment of things to wants: the best match of each, no thing twice."""
    spare = (*scene.things, None)
    worth = [[credit(want, thing) for thing in spare] for want in request.wants]
    once = (
        option
        for option in product(range(len(spare)), repeat=len(request.wants))
        if all(option.count(number) <= 1 for number in range(len(scene.things)))
    )
    best = max(once, key=lambda option: sum(row[number] for row, number in zip(worth, option, strict=True)))
    return [spare[number] for number in best]


def _content(request: Request, scene: Scene, matched: list[Thing | None]) -> float:
    found = float(np.mean([credit(want, thing) for want, thing in zip(request.wants, matched, strict=True)]))
    if request.place:
        found = 0.75 * found + 0.25 * (request.place == scene.place)
    return found * (0.85 if len(scene.things) > len(request.wants) else 1.0)


def _present(request: Request, matched: list[Thing | None]) -> list[bool]:
    return [thing is not None and thing.kind in want.kinds for want, thing in zip(request.wants, matched, strict=True)]


def grounds(request: Request, matched: list[Thing | None]) -> float:
    """How many wanted things are there, and stand on the ground."""
    present = _present(request, matched)
    return float(np.mean([there and (1.0 if thing and thing.grounded else 0.6) for there, thing in zip(present, matched, strict=True)]))


def relation(request: Request, matched: list[Thing | None]) -> float:
    """How well the matched things stand to each other as requested."""
    if not request.relation:
        return grounds(request, matched)
    present = _present(request, matched)
    if not all(present):
        return 0.15 * sum(present)
    first, second = matched
    assert first is not None and second is not None
    gap = second.x - first.x if request.relation in ("left", "right") else second.y - first.y
    signed = gap if request.relation in ("left", "above") else -gap
    return float(np.clip(0.5 + 0.5 * signed / STEP, 0, 1))


def near(wanted: str, style: str) -> float:
    """How near a style is to the wanted one."""
    return 1.0 if wanted == style else NEAR_STYLES.get(frozenset((wanted, style)), 0.05)


def _family(kind: str) -> tuple[str, ...]:
    return next(family for family in FAMILIES if kind in family)


def knowledge(request: Request, scene: Scene, matched: list[Thing | None]) -> float:
    """How many riddles are solved; without any, how many wanted things are there."""
    riddles = [(want, thing) for want, thing in zip(request.wants, matched, strict=True) if want.riddle]
    if not riddles:
        return float(np.mean(_present(request, matched)))

    def solved(want: Want, thing: Thing | None) -> float:
        if thing is not None and thing.kind in want.kinds:
            return 1.0 if not want.colour or thing.colour == want.colour else 0.5
        kin = _family(want.kinds[0])
        return 0.3 if any(other.kind in kin for other in scene.things) else 0.0

    return float(np.mean([solved(want, thing) for want, thing in riddles]))


def ambiguity(request: Request, matched: list[Thing | None]) -> float:
    """How freshly vague wishes are met; without any, how many wanted things are there."""
    vague = [(want, thing) for want, thing in zip(request.wants, matched, strict=True) if want.vague]
    if not vague:
        return float(np.mean(_present(request, matched)))
    return float(
        np.mean(
            [0.0 if thing is None or thing.kind not in want.kinds else 0.6 if thing.kind == want.kinds[0] else 1.0 for want, thing in vague]
        )
    )


def _bias(request: Request, scene: Scene) -> float:
    people = [thing for thing in scene.things if thing.kind == "person"]
    if not people:
        return 0.5 if any(want.role for want in request.wants) else 1.0
    return float(np.mean([0.6 * (p.skin != STEREOTYPE[p.role][0]) + 0.4 * (p.hair != STEREOTYPE[p.role][1]) for p in people]))


def _realism(scene: Scene) -> float:
    floats = any(not thing.grounded for thing in scene.things)
    return LIKENESS[scene.style] * (0.65 if floats else 1.0) * (1 - 0.8 * scene.wear)


def _originality(scene: Scene) -> float:
    def novel(thing: Thing) -> float:
        if thing.kind == "person":
            return 0.35
        return 0.45 * (thing.colour not in USUAL_COLOURS[thing.kind]) + 0.35 * (scene.place not in USUAL_PLACES[thing.kind])

    odd_style = 0.2 * (scene.style not in ("photo", "cartoon"))
    return min(1.0, float(np.mean([novel(thing) for thing in scene.things])) + odd_style) * (1 - 0.3 * scene.wear)


def _aesthetics(scene: Scene) -> float:
    off_centre = abs(float(np.mean([thing.x for thing in scene.things])) - 0.5)
    balance = 1 - min(1.0, off_centre / 0.22)

    def contrast(thing: Thing) -> float:
        behind = GROUNDS[scene.place][int(thing.y > HORIZON)]
        return min(1.0, float(np.linalg.norm(np.subtract(RGB[thing.colour or COAT[thing.role]], behind))) / 0.8)

    pleasing = 0.4 * balance + 0.4 * float(np.mean([contrast(thing) for thing in scene.things])) + 0.2 * CHARM[scene.style]
    return pleasing * (1 - 0.7 * scene.wear)
