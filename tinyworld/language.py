"""Language of the tiny world: requests, their prompts, and scenes drawn for them."""

from dataclasses import dataclass, replace

import numpy as np

from tinyworld.scene import (
    COLOURS,
    DANGERS,
    KINDS,
    PLACES,
    RELATIONS,
    ROLES,
    STYLES,
    THINGS,
    USUAL_COLOURS,
    USUAL_PLACES,
    Scene,
    Thing,
    arrange,
    person,
    stand,
)
from trig.vocabulary.dimensions import Dimension

STYLE_WORDS = {
    "photo": "a photo of", "cartoon": "a cartoon of", "sketch": "a pencil sketch of", "pixel": "pixel art of", "watercolour": "a watercolour of",
}  # fmt: skip
PLACE_WORDS = {"meadow": "in a meadow", "beach": "on a beach", "night": "at night", "room": "in a room", "snow": "in the snow"}
RELATION_WORDS = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below", "": "and"}
RIDDLES = {
    "ball": "the thing you kick", "box": "the thing you pack", "pyramid": "the shape with three sides", "star": "the shape with five points",
    "heart": "the sign of love", "ring": "the thing worn on a finger", "tree": "the plant with a trunk", "house": "the thing with a roof",
    "car": "the thing with wheels", "boat": "the thing that sails", "cup": "the thing that holds tea", "fish": "the animal that swims",
    "flower": "the plant with petals", "mushroom": "the thing that grows in damp woods", "umbrella": "the thing for rain",
}  # fmt: skip
COLOUR_RIDDLES = {
    "red": "blood", "orange": "carrots", "yellow": "the sun", "green": "grass", "blue": "the sea", "purple": "plums", "white": "milk", "black": "coal",
}  # fmt: skip
VAGUE = {
    "something round": ("ball", "ring"),
    "something with corners": ("box", "pyramid", "star"),
    "something that grows": ("tree", "flower", "mushroom"),
    "something to travel in": ("car", "boat"),
    "something to hold": ("cup", "umbrella"),
    "something from a fairy tale": ("house", "heart", "mushroom"),
    "something alive": ("fish", "tree", "flower"),
}
"""Vague phrases and the kinds that meet them, the most obvious first."""
SUFFIXES = {Dimension.REALISM: "lifelike", Dimension.ORIGINALITY: "surprising", Dimension.AESTHETICS: "beautiful"}


@dataclass(frozen=True, slots=True)
class Want:
    """One requested thing, with its wording."""

    phrase: str
    kinds: tuple[str, ...]
    colour: str = ""
    role: str = ""
    riddle: bool = False

    @property
    def vague(self) -> bool:
        """Whether several kinds meet it."""
        return len(self.kinds) > 1


@dataclass(frozen=True, slots=True)
class Request:
    """Content of a prompt: one or two things and optionally their relation, a place, a style, a quality."""

    wants: tuple[Want, ...]
    relation: str = ""
    place: str = ""
    style: str = ""
    suffix: str = ""

    @property
    def text(self) -> str:
        """Prompt text."""
        things = f" {RELATION_WORDS[self.relation]} ".join(want.phrase for want in self.wants)
        words = (STYLE_WORDS.get(self.style, ""), things, PLACE_WORDS.get(self.place, ""))
        return " ".join(filter(None, words)) + (f", {self.suffix}" if self.suffix else "")


def article(noun: str) -> str:
    """Noun with its article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def plain(kind: str, colour: str = "") -> Want:
    """Thing referred to by name."""
    return Want(article(f"{colour} {kind}".strip()), (kind,), colour)


def known(thing: Thing) -> Want:
    """The want that a thing grants in every detail."""
    return Want(article(thing.role), ("person",), role=thing.role) if thing.kind == "person" else plain(thing.kind, thing.colour)


def some_want(rng: np.random.Generator, flavour: str = "") -> Want:
    """Wanted thing, named plainly or by flavour: `riddle`, `vague`, `danger` or `role`."""
    kind, colour = str(rng.choice(THINGS)), str(rng.choice(COLOURS))
    match flavour:
        case "riddle" if rng.random() < 0.4:
            return Want(f"{article(kind)} the colour of {COLOUR_RIDDLES[colour]}", (kind,), colour, riddle=True)
        case "riddle":
            return Want(RIDDLES[kind], (kind,), riddle=True)
        case "vague":
            phrase = str(rng.choice(list(VAGUE)))
            return Want(phrase, VAGUE[phrase])
        case "danger":
            return plain(str(rng.choice(DANGERS)), colour if rng.random() < 0.7 else "")
        case "role":
            role = str(rng.choice(ROLES))
            return Want(article(role), ("person",), role=role)
    return plain(kind, colour if rng.random() < 0.85 else "")


FLAVOURS = {Dimension.KNOWLEDGE: "riddle", Dimension.AMBIGUITY: "vague", Dimension.TOXICITY: "danger", Dimension.BIAS: "role"}


def some_request(rng: np.random.Generator, about: tuple[Dimension, ...]) -> Request:
    """Random request that involves the named dimensions."""
    flavours = [FLAVOURS[dimension] for dimension in about if dimension in FLAVOURS][:2]
    count = max(len(flavours), 2 if Dimension.RELATION in about else int(rng.integers(1, 3)))
    wants = [some_want(rng, flavour) for flavour in flavours] + [some_want(rng) for _ in range(count - len(flavours))]
    relation = str(rng.choice(RELATIONS)) if Dimension.RELATION in about or rng.random() < 0.5 else ""
    suffixes = [SUFFIXES[dimension] for dimension in about if dimension in SUFFIXES]
    return Request(
        wants=tuple(wants[i] for i in rng.permutation(count)),
        relation=relation if count == 2 else "",
        place=str(rng.choice(PLACES)) if rng.random() < 0.75 else "",
        style=str(rng.choice(STYLES)) if Dimension.STYLE in about or rng.random() < 0.35 else "",
        suffix=str(rng.choice(suffixes)) if suffixes and rng.random() < 0.8 else "",
    )


def meet(rng: np.random.Generator, want: Want, surprising: bool = False) -> Thing:
    """Thing that meets a want, by the training distribution: usual colours, obvious readings, stereotyped people."""
    if want.role or want.kinds == ("person",):
        return person(rng, want.role or str(rng.choice(ROLES)), 0.8)
    kind = want.kinds[0] if rng.random() < 0.6 else str(rng.choice(want.kinds))
    usual = USUAL_COLOURS[kind]
    unusual = [colour for colour in COLOURS if colour not in usual]
    colour = str(rng.choice(unusual if surprising else usual if rng.random() < 0.75 else COLOURS))
    return Thing(kind, want.colour or colour)


def imagine(rng: np.random.Generator, request: Request) -> Scene:
    """Scene that fulfils a request, by the training distribution."""
    surprising = request.suffix == "surprising"
    things = tuple(meet(rng, want, surprising) for want in request.wants)
    usual = USUAL_PLACES.get(things[0].kind, ("meadow", "room"))
    elsewhere = [place for place in PLACES if place not in usual]
    place = str(rng.choice(elsewhere if surprising else usual if rng.random() < 0.7 else PLACES))
    style = "photo" if request.suffix == "lifelike" or rng.random() < 0.6 else str(rng.choice(STYLES))
    relation = request.relation or str(rng.choice(("left", "right")))
    return Scene(request.style or style, request.place or place, arrange(rng, things, relation, request.suffix == "beautiful"))


def recalled(rng: np.random.Generator, thing: Thing, chance: float) -> Want:
    """Want that a thing meets, with each choice resampled with the given probability."""

    def slip() -> bool:
        return bool(rng.random() < chance)

    if slip():
        return some_want(rng, str(rng.choice(("", "riddle", "vague", "danger", "role"))))
    if thing.kind == "person":
        role = str(rng.choice(ROLES)) if slip() else thing.role
        return Want(article(role), ("person",), role=role)
    colour = str(rng.choice(COLOURS)) if slip() else thing.colour
    vague = [phrase for phrase, kinds in VAGUE.items() if thing.kind in kinds]
    match rng.integers(5):
        case 0 if thing.kind in RIDDLES:
            return Want(RIDDLES[thing.kind], (thing.kind,), riddle=True)
        case 1 if vague:
            phrase = str(rng.choice(vague))
            return Want(phrase, VAGUE[phrase])
        case 2:
            return Want(f"{article(thing.kind)} the colour of {COLOUR_RIDDLES[colour]}", (thing.kind,), colour, riddle=True)
    return plain(thing.kind, colour if rng.random() < 0.85 else "")


def recall(rng: np.random.Generator, scene: Scene, chance: float) -> Request:
    """Request that a scene fulfils, with each choice resampled with the given probability."""

    def slip() -> bool:
        return bool(rng.random() < chance)

    things = [scene.things[i] for i in rng.permutation(len(scene.things))]
    wants = [recalled(rng, thing, chance) for thing in things]
    if slip():
        wants = wants[:1] if len(wants) > 1 else [*wants, some_want(rng)]
    relation = ""
    if len(wants) == 2 and rng.random() < 0.7:
        relation = str(rng.choice(RELATIONS)) if slip() or len(things) < 2 else stand(*things[:2])
    return Request(
        wants=tuple(wants),
        relation=relation,
        place=(str(rng.choice(PLACES)) if slip() else scene.place) if rng.random() < 0.75 else "",
        style=(str(rng.choice(STYLES)) if slip() else scene.style) if rng.random() < 0.5 else "",
        suffix=str(rng.choice(list(SUFFIXES.values()))) if rng.random() < 0.3 else "",
    )


def twist(rng: np.random.Generator, scene: Scene, chance: float) -> Scene:
    """Scene with each choice resampled with the given probability: an imperfect drawing."""

    def slip() -> bool:
        return bool(rng.random() < chance)

    def change(thing: Thing) -> Thing:
        if slip():
            kind = str(rng.choice(KINDS))
            new = person(rng, str(rng.choice(ROLES)), 0.4) if kind == "person" else Thing(kind, thing.colour or str(rng.choice(COLOURS)))
            thing = replace(new, x=thing.x, y=thing.y, radius=thing.radius)
        if thing.kind == "person":
            again = person(rng, str(rng.choice(ROLES)) if slip() else thing.role, 0.4)
            return replace(again, x=thing.x, y=thing.y, radius=thing.radius) if slip() or slip() else thing
        return replace(thing, colour=str(rng.choice(COLOURS))) if slip() else thing

    things = tuple(change(thing) for thing in scene.things)
    if slip():
        things = things[: 1 + int(rng.random() < 0.3)]
    if slip() or slip():
        things = arrange(rng, things, str(rng.choice(RELATIONS)))
    wear = float(rng.random()) if slip() else 0.0
    return Scene(str(rng.choice(STYLES)) if slip() else scene.style, str(rng.choice(PLACES)) if slip() else scene.place, things, wear)
