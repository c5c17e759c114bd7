"""Scenes: plain-value descriptions of pictures."""

from dataclasses import dataclass, replace

import numpy as np

STYLES = ("photo", "cartoon", "sketch", "pixel", "watercolour")
PLACES = ("meadow", "beach", "night", "room", "snow")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white", "black")
SHAPES = ("ball", "box", "pyramid", "star", "heart", "ring")
OBJECTS = ("tree", "house", "car", "boat", "cup", "fish", "flower", "mushroom", "umbrella")
DANGERS = ("knife", "bomb", "skull", "cigarette")
ROLES = ("nurse", "builder", "chef", "guard", "farmer")
THINGS = SHAPES + OBJECTS
KINDS = (*THINGS, *DANGERS, "person")
SKINS = ("light", "medium", "dark")
HAIRS = ("long", "short")
RELATIONS = ("left", "right", "above", "below")

STEREOTYPE = {
    "nurse": ("light", "long"),
    "builder": ("medium", "short"),
    "chef": ("light", "short"),
    "guard": ("dark", "short"),
    "farmer": ("medium", "long"),
}
"""Stereotype of a role: skin and hair in most training pictures."""
USUAL_COLOURS = {
    "ball": ("red", "blue"), "box": ("orange", "white"), "pyramid": ("yellow", "orange"), "star": ("yellow", "white"),
    "heart": ("red", "purple"), "ring": ("yellow", "white"), "tree": ("green", "orange"), "house": ("red", "white"),
    "car": ("blue", "red"), "boat": ("white", "blue"), "cup": ("white", "blue"), "fish": ("orange", "blue"),
    "flower": ("red", "purple"), "mushroom": ("red", "white"), "umbrella": ("black", "red"), "knife": ("black", "red"),
    "bomb": ("black", "red"), "skull": ("white", "black"), "cigarette": ("white", "orange"),
}  # fmt: skip
USUAL_PLACES = {
    "ball": ("beach", "meadow"), "box": ("room", "snow"), "pyramid": ("beach", "night"), "star": ("night", "snow"),
    "heart": ("room", "meadow"), "ring": ("room", "beach"), "tree": ("meadow", "snow"), "house": ("meadow", "snow"),
    "car": ("night", "snow"), "boat": ("beach", "night"), "cup": ("room", "beach"), "fish": ("beach", "room"),
    "flower": ("meadow", "room"), "mushroom": ("meadow", "night"), "umbrella": ("beach", "snow"), "knife": ("room", "night"),
    "bomb": ("night", "room"), "skull": ("night", "beach"), "cigarette": ("room", "night"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing: kind, colour, centre and radius in fractions of the side (y grows downwards)."""

    kind: str
    colour: str
    x: float = 0.5
    y: float = 0.62
    radius: float = 0.3
    role: str = ""  # people only, as are skin and hair
    skin: str = ""
    hair: str = ""

    @property
    def grounded(self) -> bool:
        """Whether it stands on the ground."""
        return self.y + self.radius > 0.7


@dataclass(frozen=True, slots=True)
class Scene:
    """Whole picture. `wear` is its damage, 0 (clean) to 1."""

    style: str
    place: str
    things: tuple[Thing, ...]
    wear: float = 0.0

    @property
    def in_order(self) -> list[Thing]:
        """Things from left to right, or top to bottom when one is above the other."""
        return sorted(self.things, key=lambda thing: (round(thing.x, 1), thing.y))


def person(rng: np.random.Generator, role: str, stereotyped: float) -> Thing:
    """Person of a role; `stereotyped` is the probability of the stereotype's skin and hair."""
    skin, hair = STEREOTYPE[role]
    if rng.random() >= stereotyped:
        skin, hair = str(rng.choice(SKINS)), str(rng.choice(HAIRS))
    return Thing("person", "", role=role, skin=skin, hair=hair)


def arrange(rng: np.random.Generator, things: tuple[Thing, ...], relation: str, balanced: bool = False) -> tuple[Thing, ...]:
    """Positions things: one anywhere along the ground (`balanced`: near the middle), two by the relation of the first to the second.

    A third stands aside.
    """
    jitter = rng.uniform(-0.03, 0.03, 4)
    if len(things) == 1:
        x = 0.5 + (rng.uniform(-0.04, 0.04) if balanced else rng.uniform(-0.22, 0.22))
        return (replace(things[0], x=x, y=0.6 + jitter[0], radius=0.27 + jitter[1]),)
    first, second = (0.27 + jitter[0], 0.74 + jitter[1])
    if relation in ("left", "right"):
        a, b = ((first, 0.64), (second, 0.64)) if relation == "left" else ((second, 0.64), (first, 0.64))
    else:
        a, b = ((0.5, 0.25), (0.5, 0.73)) if relation == "above" else ((0.5, 0.73), (0.5, 0.25))
    radius = 0.2 + jitter[2] / 2
    if len(things) == 2:
        return tuple(replace(thing, x=x, y=y + jitter[3] / 2, radius=radius) for thing, (x, y) in zip(things, (a, b), strict=True))
    aside = float(rng.choice((0.0, 1.0)))
    squeezed = [(0.66 * x + 0.34 * (1 - aside), y) if a[1] == b[1] else (x + 0.18 * (1 - 2 * aside), y) for x, y in (a, b)]
    places = (*squeezed, (0.14 + 0.72 * aside, 0.64))
    return tuple(
        replace(thing, x=x, y=y + jitter[3] / 2, radius=0.15 + jitter[2] / 3) for thing, (x, y) in zip(things, places, strict=True)
    )


def join(stay: tuple[Thing, ...], new: Thing, relation: str = "") -> tuple[Thing, ...]:
    """One thing or two that stay, then a new one where there is room; what stays keeps its place and size, or moves and shrinks a little.

    Beside one thing it stands to the left or right, as asked or where more room is; beside a column too, and over two that stand in a row.
    """
    if len(stay) == 2 and stand(*stay) in ("left", "right"):
        return (*stay, replace(new, x=0.5, y=0.22, radius=0.19))
    side = -1 if relation == "left" or (not relation and stay[0].x > 0.5) else 1
    clear, most, out, radius = (0.16, 0.25, 0.29, 0.2) if len(stay) == 1 else (0.1, 0.175, 0.36, 0.155)
    aside = (replace(each, x=0.5 - side * max(clear, side * (0.5 - each.x)), radius=min(each.radius, most)) for each in stay)
    return (*aside, replace(new, x=0.5 + side * out, y=0.64, radius=radius))


def stand(first: Thing, second: Thing) -> str:
    """Spatial relation of the first thing to the second."""
    across, down = second.x - first.x, second.y - first.y
    if abs(across) > abs(down):
        return "left" if across > 0 else "right"
    return "above" if down > 0 else "below"
