"""Image editing (p2p) and subject-driven (s2p) requests of the tiny world."""

from dataclasses import dataclass, replace

import numpy as np

from tinyworld.language import PLACE_WORDS, STYLE_WORDS, Request, Want, imagine, known, plain, some_request, some_want
from tinyworld.scene import COLOURS, PLACES, STYLES, THINGS, Scene, Thing, arrange


@dataclass(frozen=True, slots=True)
class Edit:
    """Source picture, instruction or prompt, the target request, and one scene that fulfils it."""

    prompt: str
    source: Scene
    request: Request
    target: Scene
    item: str = ""  # s2p: noun of the subject


def state(scene: Scene) -> Request:
    """The request that a scene grants in every detail."""
    return Request(tuple(map(known, scene.things)), place=scene.place, style=scene.style)


def _other(rng: np.random.Generator, options: tuple[str, ...], than: str) -> str:
    return str(rng.choice([option for option in options if option != than]))


def some_edit(rng: np.random.Generator) -> Edit:
    """Edit instruction: recolour, replace or add a thing, or change the style or the place; all else stays."""
    source = imagine(rng, some_request(rng, ()))
    first, rest = source.things[0], source.things[1:]
    match str(rng.choice(("style", "place", "colour", "kind", "add"))):
        case "style":
            style = _other(rng, STYLES, source.style)
            words, target = f"make it {STYLE_WORDS[style].removesuffix(' of')}", replace(source, style=style)
        case "colour" if first.kind != "person":
            colour = _other(rng, COLOURS, first.colour)
            words, target = f"make the {first.kind} {colour}", replace(source, things=(replace(first, colour=colour), *rest))
        case "kind" if first.kind != "person":
            new = replace(first, kind=_other(rng, THINGS, first.kind), colour=str(rng.choice(COLOURS)))
            words, target = f"replace the {first.kind} with {plain(new.kind, new.colour).phrase}", replace(source, things=(new, *rest))
        case "add" if not rest:
            new = Thing(str(rng.choice(THINGS)), str(rng.choice(COLOURS)))
            words, target = f"add {plain(new.kind, new.colour).phrase}", replace(source, things=arrange(rng, (first, new), "left"))
        case _:
            place = _other(rng, PLACES, source.place)
            words, target = f"put it {PLACE_WORDS[place]}", replace(source, place=place)
    return Edit(words, source, state(target), target)


def photo(rng: np.random.Generator) -> Scene:
    """Photo of a subject."""
    subject = Thing(str(rng.choice(THINGS)), str(rng.choice(COLOURS)))
    return Scene("photo", str(rng.choice(PLACES)), arrange(rng, (subject,), "", balanced=True))


def some_subject(rng: np.random.Generator) -> Edit:
    """Subject alone in a photo, and a prompt that wants it elsewhere; its colour appears in the photo only."""
    source = photo(rng)
    subject = source.things[0]
    asked = some_request(rng, ())
    this = Want(f"this {subject.kind}", (subject.kind,), subject.colour)
    wants = (this,) if len(asked.wants) == 1 else (this, some_want(rng))
    request = replace(asked, wants=wants)
    return Edit(request.text, source, request, imagine(rng, request), item=subject.kind)
