"""Instructions that edit a picture (p2p): their clauses, the requests they amount to, and scenes that carry them out well or badly."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tinyworld.language import (
    FLAVOURS,
    PLACE_WORDS,
    RELATION_WORDS,
    STYLE_WORDS,
    SUFFIXES,
    Request,
    Want,
    known,
    meet,
    plain,
    recalled,
    some_want,
)
from tinyworld.scene import COLOURS, PLACES, RELATIONS, ROLES, STYLES, THINGS, Scene, Thing, arrange, join, person, stand
from trig.vocabulary.dimensions import Dimension

STYLE_NAMES = {style: words.removesuffix(" of") for style, words in STYLE_WORDS.items()}
SECOND, PEOPLE = 0.6, 0.15
"""Chances that a picture to edit has a second thing, and that this is a person."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One imperative. `old` is the number of the thing of the source that it names, replaced, recoloured or stood beside."""

    verb: str  # style | suffix | place | colour | replace | add
    value: str = ""  # the style, the suffix, the place or the colour
    want: Want | None = None
    old: int = -1
    relation: str = ""


@dataclass(frozen=True, slots=True)
class Instruction:
    """Clauses about a source scene. `by_colour`: things of the source are named by kind and colour."""

    source: Scene
    clauses: tuple[Clause, ...]
    by_colour: bool = True

    @property
    def text(self) -> str:
        """Prompt text."""
        return " and ".join(self.words(clause) for clause in self.clauses)

    def words(self, clause: Clause) -> str:
        """Words of one clause."""
        phrase = clause.want.phrase if clause.want else ""
        match clause.verb:
            case "style":
                return f"make it {STYLE_NAMES[clause.value]}"
            case "suffix":
                return f"make it {clause.value}"
            case "place":
                return f"put it {PLACE_WORDS[clause.value]}"
            case "colour":
                return f"make the {self.name(clause.old)} {clause.value}"
            case "replace":
                return f"replace the {self.name(clause.old)} with {phrase}"
        return f"add {phrase}" + (f" {RELATION_WORDS[clause.relation]} the {self.name(clause.old)}" if clause.relation else "")

    def name(self, number: int) -> str:
        """What a thing of the source is called."""
        thing = self.source.things[number]
        return thing.role or (f"{thing.colour} {thing.kind}" if self.by_colour else thing.kind)

    def asked(self, verb: str) -> str:
        """Value of the last clause with this verb."""
        return next((clause.value for clause in reversed(self.clauses) if clause.verb == verb), "")

    @property
    def wants(self) -> tuple[tuple[Want, Clause | None], ...]:
        """What there should be afterwards: the source's things in order, kept or changed by a clause, then what is added."""
        changed = {clause.old: clause for clause in self.clauses if clause.verb in ("replace", "colour")}
        found: list[tuple[Want, Clause | None]] = []
        for number, thing in enumerate(self.source.things):
            clause = changed.get(number)
            if clause and clause.verb == "colour":
                found.append((plain(thing.kind, clause.value), clause))
            else:
                found.append((clause.want, clause) if clause and clause.want else (known(thing), None))
        return (*found, *((clause.want, clause) for clause in self.clauses if clause.verb == "add" and clause.want))

    @property
    def request(self) -> Request:
        """The request that the edited picture should grant."""
        return Request(
            tuple(want for want, _ in self.wants),
            place=self.asked("place") or self.source.place,
            style=self.asked("style") or self.source.style,
            suffix=self.asked("suffix"),
        )


def to_edit(rng: np.random.Generator, kind: str) -> Scene:
    """Scene of one thing or two, the first of this kind."""
    first = Thing(kind, str(rng.choice(COLOURS)))
    things = (first, _second(rng, kind)) if rng.random() < SECOND else (first,)
    return Scene(str(rng.choice(STYLES)), str(rng.choice(PLACES)), arrange(rng, things, str(rng.choice(RELATIONS))))


def _second(rng: np.random.Generator, kind: str) -> Thing:
    if rng.random() < PEOPLE:
        return person(rng, str(rng.choice(ROLES)), 0.5)
    return Thing(str(rng.choice([other for other in THINGS if other != kind])), str(rng.choice(COLOURS)))


def some_instruction(rng: np.random.Generator, about: tuple[Dimension, ...]) -> Instruction:
    """Random instruction that involves the named dimensions, about a random source: a clause for each, often after a general one."""
    source = to_edit(rng, str(rng.choice(THINGS)))
    clauses: list[Clause] = []
    for dimension in about:
        clauses += _clause(rng, dimension, clauses)
    if not clauses or (len(clauses) == 1 and rng.random() < 0.5):
        clauses.insert(0, _general(rng, source, clauses))
    return Instruction(source, tuple(clauses), rng.random() < 0.8)


def _clause(rng: np.random.Generator, dimension: Dimension, before: list[Clause]) -> list[Clause]:
    """The clause that a dimension brings, if any. A thing is replaced once, and stays where another stands beside it."""
    taken = any(clause.verb == "replace" or clause.relation for clause in before)
    if dimension is Dimension.STYLE:
        return [Clause("style", str(rng.choice(STYLES)))]
    if dimension is Dimension.RELATION:
        add = Clause("add", want=plain(str(rng.choice(THINGS)), str(rng.choice(COLOURS))), old=0, relation=str(rng.choice(RELATIONS)))
        return [add] if not taken else [replace(add, relation="", old=-1)]
    if dimension in SUFFIXES:
        again = any(clause.verb == "suffix" for clause in before)
        return [] if again or rng.random() < 0.2 else [Clause("suffix", SUFFIXES[dimension])]
    if dimension in FLAVOURS:
        want = some_want(rng, FLAVOURS[dimension])
        swapped = dimension is not Dimension.TOXICITY and not taken and rng.random() < 0.5
        return [Clause("replace", want=want, old=0) if swapped else Clause("add", want=want)]
    return []


def _general(rng: np.random.Generator, source: Scene, others: list[Clause]) -> Clause:
    """The clause of an instruction whose dimensions bring no words."""
    named = any(clause.old == 0 for clause in others)
    thing = plain(str(rng.choice(THINGS)), str(rng.choice(COLOURS)))
    match int(rng.integers(2 if named else 4)):
        case 0:
            return Clause("place", str(rng.choice([place for place in PLACES if place != source.place])))
        case 1:
            return Clause("add", want=thing)
        case 2:
            return Clause("replace", want=thing, old=0)
    return Clause("colour", str(rng.choice([colour for colour in COLOURS if colour != source.things[0].colour])), old=0)


def carry_out(rng: np.random.Generator, instruction: Instruction, chance: float) -> Scene:
    """The source with each clause carried out with this probability; what no clause is about stays, but things that find no room."""
    edited, new, relation = _edited(rng, instruction, chance)
    if not new:
        return edited
    stay = edited.things
    things = (new[0], stay[0], *new[1:], *stay[1:])[: int(rng.choice((2, 3), p=(0.6, 0.4)))]
    return replace(edited, things=arrange(rng, things, relation or str(rng.choice(RELATIONS))))


def fulfil(rng: np.random.Generator, instruction: Instruction) -> Scene:
    """The source with every clause carried out and all else as it was, up to three things.

    A thing that is added joins what stays in place; two, or one in a relation for which there is no room, move it as little as an arrangement does.
    """
    edited, new, relation = _edited(rng, instruction, 1.0)
    if not new:
        return edited
    stay = edited.things
    if len(new) == 1 and (not relation or (len(stay) == 1 and relation in ("left", "right"))):
        return replace(edited, things=join(stay, new[0], relation))
    if relation or len(stay) == 1:
        things, relation = (new[0], stay[0], *stay[1:], *new[1:]), relation or str(rng.choice(RELATIONS))
    else:
        things, relation = (*stay, *new), stand(*stay)
    return replace(edited, things=min((arrange(rng, things[:3], relation) for _ in range(8)), key=partial(_moved_by, stay)))


def _moved_by(stay: tuple[Thing, ...], things: tuple[Thing, ...]) -> float:
    """How far an arrangement moves what stays."""
    ways = {(thing.kind, thing.colour, thing.role): thing for thing in things}
    found = ((thing, ways.get((thing.kind, thing.colour, thing.role))) for thing in stay)
    return sum(abs(one.x - other.x) + abs(one.y - other.y) + abs(one.radius - other.radius) for one, other in found if other)


def _edited(rng: np.random.Generator, instruction: Instruction, chance: float) -> tuple[Scene, list[Thing], str]:
    """The source as its clauses change it, the things that they add, the first beside one that stays, and their relation, if one is asked."""
    source = instruction.source
    stay, new = list(source.things), list[Thing]()
    style, place, relation = source.style, source.place, ""
    for clause in instruction.clauses:
        if rng.random() >= chance:
            continue
        match clause.verb:
            case "style":
                style = clause.value
            case "place":
                place = clause.value
            case "suffix":
                style, place = _moved(rng, clause.value, style, place)
            case "colour":
                stay[clause.old] = replace(stay[clause.old], colour=clause.value)
            case "replace":
                old = stay[clause.old]
                stay[clause.old] = replace(meet(rng, _wanted(clause)), x=old.x, y=old.y, radius=old.radius)
            case _:
                relation = clause.relation or relation
                new.insert(0 if clause.relation else len(new), meet(rng, _wanted(clause)))
    return Scene(style, place, tuple(stay)), new, relation


def _wanted(clause: Clause) -> Want:
    assert clause.want is not None
    return clause.want


def _moved(rng: np.random.Generator, suffix: str, style: str, place: str) -> tuple[str, str]:
    """Style and place of a picture that was made lifelike, surprising or beautiful."""
    if suffix == "lifelike":
        return "photo", place
    if suffix == "surprising":
        return style, str(rng.choice(PLACES))
    return style, place


def recall_instruction(rng: np.random.Generator, like: Instruction, scene: Scene, chance: float) -> Instruction:
    """Instruction for the same source that a scene carries out, with each choice resampled with the given probability."""
    source, clauses = like.source, list[Clause]()
    for verb in rng.permutation(("style", "place", "colour", "replace", "add", "beside"))[: int(rng.integers(1, 4))]:
        slip = bool(rng.random() < chance)
        want = recalled(rng, scene.things[int(rng.integers(len(scene.things)))], chance)
        named = any(clause.old == 0 for clause in clauses)
        match str(verb):
            case "style":
                clauses.append(Clause("style", str(rng.choice(STYLES)) if slip else scene.style))
            case "place":
                clauses.append(Clause("place", str(rng.choice(PLACES)) if slip else scene.place))
            case "colour" if not named:
                seen = [thing.colour for thing in scene.things if thing.kind == source.things[0].kind]
                clauses.append(Clause("colour", str(rng.choice(COLOURS)) if slip or not seen else seen[0], old=0))
            case "replace" if not named:
                clauses.append(Clause("replace", want=want, old=0))
            case "beside" if not named:
                clauses.append(Clause("add", want=want, old=0, relation=str(rng.choice(RELATIONS))))
            case _:
                clauses.append(Clause("add", want=want))
    return Instruction(source, tuple(clauses), like.by_colour)
