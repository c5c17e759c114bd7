"""Ground truth of edits (p2p) and of pictures of a subject (s2p), in [0, 1] on each dimension."""

from dataclasses import replace

import numpy as np

from tinyworld.instructions import Clause, Instruction
from tinyworld.language import Request, Want
from tinyworld.scene import Scene, Thing, stand
from tinyworld.truth import ambiguity, credit, grounds, knowledge, mark, match, near, relation, truth, word
from trig.vocabulary.dimensions import Dimension

UNDONE = 0.35
"""What an edit is worth that was made while nothing else was kept."""
SAME = 0.4
"""What the originality of a picture counts for where nothing was changed, or the subject is missing."""
QUALITIES = {"lifelike": Dimension.REALISM, "surprising": Dimension.ORIGINALITY, "beautiful": Dimension.AESTHETICS}


def edited(instruction: Instruction, scene: Scene) -> dict[Dimension, float]:
    """Ground-truth rating of an edit per dimension.

    Content is what was asked for and done, times what should have stayed and did; knowledge and ambiguity are of the asked things alone.
    """
    request = instruction.request
    matched = match(request, scene)
    asked = [number for number, (_, clause) in enumerate(instruction.wants) if clause]
    alone = Request(tuple(request.wants[number] for number in asked)) if asked else request
    mine = [matched[number] for number in asked] if asked else matched
    whole = truth(request, scene)
    worn = 1 - 0.5 * scene.wear
    done = float(np.mean([_done(instruction, clause, matched, scene, whole) for clause in instruction.clauses]))
    content = done * (UNDONE + (1 - UNDONE) * kept(instruction, matched, scene))
    return whole | {
        Dimension.ORIGINALITY: whole[Dimension.ORIGINALITY] * (1.0 if _changed(instruction.source, scene) else SAME),
        Dimension.CONTENT: content * worn,
        Dimension.RELATION: _relations(instruction, matched) * worn,
        Dimension.KNOWLEDGE: knowledge(alone, scene, mine) * worn,
        Dimension.AMBIGUITY: ambiguity(alone, mine) * worn,
    }


def of_subject(request: Request, scene: Scene) -> dict[Dimension, float]:
    """Ground-truth rating of a picture of a subject, the first want of the request, in the colour that its photo shows."""
    subject = match(request, scene)[0]
    there = subject is not None and subject.kind in request.wants[0].kinds
    whole, known = truth(request, scene), credit(request.wants[0], subject)
    around = 0.7 + 0.3 * there
    return whole | {
        Dimension.ORIGINALITY: whole[Dimension.ORIGINALITY] * (1.0 if there else SAME),
        Dimension.CONTENT: whole[Dimension.CONTENT] * (0.5 + 0.5 * known),
        Dimension.STYLE: whole[Dimension.STYLE] * around,
        Dimension.KNOWLEDGE: whole[Dimension.KNOWLEDGE] * around,
        Dimension.AMBIGUITY: whole[Dimension.AMBIGUITY] * around,
    }


def noted(instruction: Instruction, scene: Scene) -> list[tuple[int, str]]:
    """Per-token labels of an instruction given source and result, as `truth.marks` of a request.

    At the last word of what each clause asks for: whether it is there; at the last word of a replaced thing: whether it is gone; at the last word
    of the thing beside which another should stand: whether it does. One index past the last word: whether all else was kept.
    """
    matched = match(instruction.request, scene)
    found, at = [], -1
    for clause in instruction.clauses:
        at += (at > 0) + len(instruction.words(clause).split())
        mine = _mine(instruction, clause, matched)
        if clause.verb == "replace" and clause.want:
            found.append((at - len(clause.want.phrase.split()) - 1, word(_gone(instruction, clause, matched, scene))))
        if clause.verb == "add" and clause.want and clause.relation:
            beside = len(instruction.words(clause).split()) - len(instruction.words(replace(clause, relation="")).split())
            found.append((at - beside, mark(clause.want, mine)))
            found.append((at, word(_beside(instruction, clause, matched) > 0.5)))
        elif clause.verb in ("replace", "add") and clause.want:
            found.append((at, mark(clause.want, mine)))
        elif clause.verb != "suffix":
            found.append((at, word(_done(instruction, clause, matched, scene, {}) > 0.5)))
    return [*found, (at + 1, word(kept(instruction, matched, scene) > 0.95))]


def remainder(instruction: Instruction) -> tuple[Request | None, Request | None]:
    """The things and the place that an instruction asks for, and those that should stay; None where there is no thing."""
    parts = []
    for new in (True, False):
        wants = tuple(want for want, clause in instruction.wants if bool(clause) is new)
        place = instruction.asked("place") if new else "" if instruction.asked("place") else instruction.source.place
        parts.append(Request(wants, place=place) if wants else None)
    return parts[0], parts[1]


def stayed(source: Scene, scene: Scene) -> list[list[str]]:
    """Labels of each thing of a source in reading order, and of its whole: what became of them in another scene."""
    left = list(scene.things)
    found = []
    for thing in source.in_order:
        same = next((other for other in left if _same(thing, other)), None)
        alike = same or next((other for other in left if other.kind == thing.kind), None)
        if alike:
            left.remove(alike)
        found.append(["right"] if same else ["colour"] if alike else ["not"])
    whole = [source.style if source.style == scene.style else "not", source.place if source.place == scene.place else "fresh"]
    return [*found, *[["fresh"]] * (2 - len(found)), whole]


def _same(one: Thing, other: Thing) -> bool:
    return (one.kind, one.colour, one.role) == (other.kind, other.colour, other.role)


def _changed(source: Scene, scene: Scene) -> bool:
    def seen(of: Scene) -> tuple[object, ...]:
        return of.style, of.place, sorted((thing.kind, thing.colour, thing.role) for thing in of.things)

    return seen(source) != seen(scene)


def _mine(instruction: Instruction, clause: Clause, matched: list[Thing | None]) -> Thing | None:
    """The thing that meets what a clause wants."""
    return next((thing for (_, of), thing in zip(instruction.wants, matched, strict=True) if of is clause), None)


def _gone(instruction: Instruction, clause: Clause, matched: list[Thing | None], scene: Scene) -> bool:
    old = instruction.source.things[clause.old]
    used = [thing for thing, (want, _) in zip(matched, instruction.wants, strict=True) if thing and credit(want, thing) == 1]
    return not any(_same(old, thing) and all(thing is not other for other in used) for thing in scene.things)


def _done(instruction: Instruction, clause: Clause, matched: list[Thing | None], scene: Scene, whole: dict[Dimension, float]) -> float:
    """How well a clause was carried out."""
    mine = _mine(instruction, clause, matched)
    match clause.verb:
        case "style":
            return near(clause.value, scene.style)
        case "place":
            return float(clause.value == scene.place)
        case "suffix":
            return whole[QUALITIES[clause.value]]
        case "colour":
            return float(mine is not None and mine.kind == instruction.source.things[clause.old].kind and mine.colour == clause.value)
    assert clause.want is not None
    there = credit(clause.want, mine)
    return 0.7 * there + 0.3 * _gone(instruction, clause, matched, scene) if clause.verb == "replace" else there


def kept(instruction: Instruction, matched: list[Thing | None], scene: Scene) -> float:
    """How much stayed of what no clause is about, 0 to 1: things, place and style; things that nobody asked for take from it."""
    source, parts = instruction.source, list[float]()
    parts += [credit(want, thing) for (want, clause), thing in zip(instruction.wants, matched, strict=True) if not clause]
    if not instruction.asked("place") and instruction.asked("suffix") != "surprising":
        parts.append(float(source.place == scene.place))
    if not instruction.asked("style") and instruction.asked("suffix") != "lifelike":
        parts.append(float(source.style == scene.style))
    return (float(np.mean(parts)) if parts else 1.0) * (0.8 if len(scene.things) > len(instruction.wants) else 1.0)


def _beside(instruction: Instruction, clause: Clause, matched: list[Thing | None]) -> float:
    """How well the thing that a clause adds stands to the one that it names."""
    wants = [want for want, _ in instruction.wants]
    pair = (_want(clause), wants[clause.old])
    return relation(Request(pair, clause.relation), [_mine(instruction, clause, matched), matched[clause.old]])


def _want(clause: Clause) -> Want:
    assert clause.want is not None
    return clause.want


def _relations(instruction: Instruction, matched: list[Thing | None]) -> float:
    """How the things stand: as asked, and those of the source as they stood; without any relation, how firmly."""
    source = instruction.source
    asked = [_beside(instruction, clause, matched) for clause in instruction.clauses if clause.relation]
    if len(source.things) == 2:
        wants = tuple(want for want, _ in instruction.wants[:2])
        before = relation(Request(wants, stand(*source.things)), matched[:2])
        return 0.75 * float(np.mean(asked)) + 0.25 * before if asked else before
    return float(np.mean(asked)) if asked else grounds(instruction.request, matched)
