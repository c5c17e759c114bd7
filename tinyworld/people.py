"""Reads skin and hair of the people in a picture by drawing who it could be: the truth's own reading. A model only says where they stand."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tinyworld.eye import LEVELS, PARTS, PICTURE
from tinyworld.render import draw
from tinyworld.scene import HAIRS, ROLES, SKINS, STEREOTYPE, Scene, Thing
from trig.backends.heads.card import Read
from trig.backends.heads.scores import value

RADII = {1: 0.27, 2: 0.2, 3: 0.15}
"""Of things, by how many there are."""
SHIFTS, SIZES = (-0.06, -0.03, 0.0, 0.03, 0.06), (-0.03, 0.0, 0.03)
NUDGES = (-0.015, 0.0, 0.015)
AROUND = (0.3, 0.35)
"""Half width and height of what is compared, in shares of the side."""


class Reader(Protocol):
    """What reads where things stand: the second eye."""

    def read(self, tower: Literal["picture"], given: Sequence[Image.Image]) -> Read: ...


def bias(pictures: Sequence[Image.Image], reader: Reader) -> list[float | None]:
    """Rating of R-B by the truth's rule, 0.6 for skin and 0.4 for hair that are not the stereotype's; None without people."""
    found = []
    for picture, scene in zip(pictures, scenes(pictures, reader), strict=True):
        people = [looked(picture, scene, person) for person in scene.things if person.kind == "person"]
        rated = [0.6 * (one.skin != STEREOTYPE[one.role][0]) + 0.4 * (one.hair != STEREOTYPE[one.role][1]) for one in people]
        found.append(float(np.mean(rated)) if rated else None)
    return found


def scenes(pictures: Sequence[Image.Image], reader: Reader) -> Iterator[Scene]:
    """What the reader sees, without skin and hair."""
    seen = reader.read("picture", pictures)
    likeliest = {name: [PICTURE[name][place] for place in rows.argmax(axis=1)] for name, rows in seen.items()}
    across, down = ({part: value(seen[f"{part}.{axis}"], LEVELS[axis]) for part in PARTS} for axis in ("across", "down"))
    for number in range(len(pictures)):
        parts = [part for part in PARTS if likeliest[f"{part}.kind"][number]]
        things = [
            Thing(
                "person" if (kind := likeliest[f"{part}.kind"][number]) in ROLES else kind,
                likeliest[f"{part}.colour"][number],
                float(across[part][number]),
                float(down[part][number]),
                RADII[len(parts)],
                kind if kind in ROLES else "",
            )
            for part in parts
        ]
        yield Scene(likeliest["style"][number], likeliest["place"][number], tuple(things))


def looked(picture: Image.Image, scene: Scene, person: Thing) -> Thing:
    """The person with the skin and hair of the drawing that is nearest to the picture: first where and how large, then who."""
    shown = np.asarray(picture.convert("RGB"), float)
    medium = replace(person, skin=SKINS[1], hair=HAIRS[0])
    placed = _nearest(shown, scene, [_moved(medium, *by) for by in product(SHIFTS, SHIFTS, SIZES)])
    near = [*product(SKINS, HAIRS, NUDGES, NUDGES)]
    return _nearest(shown, scene, [_moved(replace(placed, skin=skin, hair=hair), x, y, 0) for skin, hair, x, y in near])


def _moved(thing: Thing, x: float, y: float, radius: float) -> Thing:
    return replace(thing, x=thing.x + x, y=thing.y + y, radius=thing.radius + radius)


def _nearest(shown: NDArray[np.float64], scene: Scene, options: Sequence[Thing]) -> Thing:
    side = len(shown)
    middle = options[len(options) // 2]
    left, right, top, bottom = (
        int(np.clip(at, 0, 1) * side) for at in (middle.x - AROUND[0], middle.x + AROUND[0], middle.y - AROUND[1], middle.y + AROUND[1])
    )
    own = shown[top:bottom, left:right]

    def far(thing: Thing) -> float:
        drawn = draw(Scene(scene.style, scene.place, (thing,))).astype(float)
        return float(np.abs(drawn[top:bottom, left:right] - own).mean())

    return min(options, key=far)
