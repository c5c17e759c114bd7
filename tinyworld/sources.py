"""Source pictures of the tiny world, as rows of the sources table: scenes to edit, and subjects in a photo of their own."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import polars as pl

from tinyworld.evaluate import png
from tinyworld.instructions import to_edit
from tinyworld.language import PLACE_WORDS, Request, known
from tinyworld.render import GROUNDS, RGB, SIDE, draw
from tinyworld.scene import COLOURS, THINGS, Scene, Thing, arrange, stand
from trig.tables.sources import SOURCES, digest

LICENCE = "Apache-2.0"
SUBJECTS = len(THINGS) * len(COLOURS)
"""Subjects there are."""
PLAIN = ("room", "beach", "meadow", "snow")
"""Places of a subject's photo: bright ones."""
CONTRAST = 0.25
"""Least distance in RGB between a thing's colour and sky and ground, from which it is seen."""


def rendered(edits: int, subjects: int, side: int = SIDE, seed: int = 0) -> pl.DataFrame:
    """Rows of the sources table: pictures to edit, and `subjects` ≤ SUBJECTS subjects, each of another kind or colour. Deterministic."""
    rows = [_row(scene, "", side, seed) for scene in _to_edit(edits, seed)]
    rows += [_row(scene, f"{scene.things[0].colour} {scene.things[0].kind}", side, seed) for scene in _photos(subjects, seed)]
    return pl.DataFrame(rows, schema=dict(SOURCES.columns))


def described(scene: Scene) -> str:
    """All there is to see, in words."""
    relation = stand(*scene.things) if len(scene.things) == 2 else ""
    return Request(tuple(map(known, scene.things)), relation, scene.place, scene.style).text


def _to_edit(count: int, seed: int) -> list[Scene]:
    """Scenes of one thing or two, no two alike, the kinds of the first in turn."""
    found: dict[str, Scene] = {}
    rng = np.random.default_rng((seed, 0))
    while len(found) < count:
        scene = to_edit(rng, THINGS[len(found) % len(THINGS)])
        if _seen(scene):
            found.setdefault(described(scene), scene)
    return list(found.values())


def _photos(count: int, seed: int) -> Iterator[Scene]:
    """Photos of one thing each; kinds and colours come in turn, so that few cover many."""
    rng = np.random.default_rng((seed, 1))
    turns = ((kind, COLOURS[(place + turn) % len(COLOURS)]) for turn, (place, kind) in product(range(len(COLOURS)), enumerate(THINGS)))
    for (kind, colour), _ in zip(turns, range(count), strict=False):
        places = [place for place in PLAIN if _contrast(colour, place) >= CONTRAST]
        yield Scene("photo", str(rng.choice(places)), arrange(rng, (Thing(kind, colour),), "", balanced=True))


def _seen(scene: Scene) -> bool:
    """Whether no thing has the colour of the sky or of the ground."""
    return all(not thing.colour or _contrast(thing.colour, scene.place) >= CONTRAST for thing in scene.things)


def _contrast(colour: str, place: str) -> float:
    return min(float(np.linalg.norm(np.subtract(RGB[colour], ground))) for ground in GROUNDS[place])


def _row(scene: Scene, item: str, side: int, seed: int) -> dict[str, object]:
    file = png(draw(scene, side))
    names = [thing.role or f"{thing.colour} {thing.kind}" for thing in scene.things]
    return {
        "tasks": ["s2p"] if item else ["p2p"],
        "source": digest(file),
        "image": {"bytes": file, "path": None},
        "width": side,
        "height": side,
        "subject": f"the {names[0]}",
        "other": f"the {names[1]}" if len(names) > 1 else None,
        "place": PLACE_WORDS[scene.place],
        "item": item or None,
        "description": described(scene),
        "origin": f"rendered by `trig tiny sources`, seed {seed}",
        "licence": LICENCE,
    }
