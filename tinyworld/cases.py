"""Cases: a prompt with a scene drawn for it, well or badly; training and test data of the judge."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinyworld.edited import edited, noted, of_subject
from tinyworld.instructions import Instruction, carry_out, recall_instruction, some_instruction
from tinyworld.language import FLAVOURS, Request, Want, imagine, recall, some_request, some_want, twist
from tinyworld.render import draw, worn
from tinyworld.scene import COLOURS, PLACES, RELATIONS, THINGS, Scene, Thing, arrange
from tinyworld.truth import marks, truth
from trig.vocabulary.dimensions import Dimension, Task

SLIPS = (0.03, 0.2, 0.5)
"""Chances of a slip in a scene that fulfils its request, deviates in a few or in many ways."""
MISREMEMBERED = 0.5
"""Chance that what a further prompt of a picture says is made up."""
COPIED, HALF, SWAPPED = 0.12, 0.35, 0.1
"""Chances that a result is the source again, that each clause was carried out as likely as not, and that it has another relation."""


@dataclass(frozen=True, slots=True)
class Case:
    """Prompt with a scene drawn for it; `source`: of an edit, or the photo of the subject."""

    request: Request | Instruction
    scene: Scene
    about: tuple[Dimension, ...]
    source: Scene | None = None

    @property
    def task(self) -> Task:
        """Text to image, edit, or picture of a subject."""
        if isinstance(self.request, Instruction):
            return Task.P2P
        return Task.S2P if self.source else Task.T2I

    @property
    def ratings(self) -> dict[Dimension, float]:
        """Ground-truth rating per dimension."""
        if isinstance(self.request, Instruction):
            return edited(self.request, self.scene)
        return of_subject(self.request, self.scene) if self.source else truth(self.request, self.scene)

    @property
    def marks(self) -> list[tuple[int, str]]:
        """Per-token labels of the prompt: indices into its words, and labels."""
        return noted(self.request, self.scene) if isinstance(self.request, Instruction) else marks(self.request, self.scene)

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Scenes of the pictures that the judge sees, in order."""
        return (self.source, self.scene) if self.source else (self.scene,)


def some_case(rng: np.random.Generator, about: tuple[Dimension, ...], task: Task = Task.T2I) -> Case:
    """Case about the given dimensions: a third fulfil the prompt, the others deviate in a few or in many ways."""
    if task is Task.P2P:
        instruction = some_instruction(rng, about)
        return Case(instruction, _result(rng, instruction), about, instruction.source)
    if task is Task.S2P:
        source = photo(rng)
        request = about_subject(rng, source.things[0], about)
        return Case(request, _pictured(rng, source, request), about, source)
    request = some_request(rng, about)
    return Case(request, twist(rng, imagine(rng, request), float(rng.choice(SLIPS))), about)


def photo(rng: np.random.Generator) -> Scene:
    """Photo of a subject."""
    subject = Thing(str(rng.choice(THINGS)), str(rng.choice(COLOURS)))
    return Scene("photo", str(rng.choice(PLACES)), arrange(rng, (subject,), "", balanced=True))


def about_subject(rng: np.random.Generator, subject: Thing, about: tuple[Dimension, ...]) -> Request:
    """Request for a picture of a subject that involves the named dimensions; its colour is named or known from its photo only."""
    asked = some_request(rng, about)
    name = f"{subject.colour} {subject.kind}" if rng.random() < 0.6 else subject.kind
    this = Want(f"this {name}", (subject.kind,), subject.colour)
    others = [some_want(rng, FLAVOURS[dimension]) for dimension in about if dimension in FLAVOURS]
    if not others and (asked.relation or rng.random() < 0.2):
        others = [some_want(rng)]
    relation = asked.relation if len(others) == 1 else ""
    return Request((this, *others), relation, asked.place or str(rng.choice(PLACES)), asked.style, asked.suffix)


def _pictured(rng: np.random.Generator, source: Scene, request: Request) -> Scene:
    """Picture of a subject, done well or badly; of three things it may lack the last."""
    if rng.random() < COPIED / 2:
        return source
    wants = request.wants
    shown = request if len(wants) < 3 or rng.random() < 0.4 else Request(wants[:2], "", request.place, request.style, request.suffix)
    return twist(rng, _related(rng, imagine(rng, shown)), float(rng.choice(SLIPS)))


def _result(rng: np.random.Generator, instruction: Instruction) -> Scene:
    """Result of an edit, carried out well, by half, not at all, or with other changes."""
    chance = rng.random()
    if chance < COPIED:
        return twist(rng, instruction.source, 0.02)
    done = carry_out(rng, instruction, 0.5 if chance < COPIED + HALF else 1.0)
    return twist(rng, _related(rng, done), float(rng.choice((0.02, 0.1, 0.35))))


def _related(rng: np.random.Generator, scene: Scene) -> Scene:
    """The scene, sometimes with its things in another relation."""
    if len(scene.things) < 2 or rng.random() >= SWAPPED:
        return scene
    return Scene(scene.style, scene.place, arrange(rng, scene.things, str(rng.choice(RELATIONS))), scene.wear)


def case_of(rng: np.random.Generator, weights: Mapping[Dimension, float] | None = None, task: Task = Task.T2I) -> Case:
    """Case about two random dimensions, sampled by weight, 1 by default."""
    dimensions = tuple(Dimension)
    p = np.array([weights.get(dimension, 1.0) for dimension in dimensions]) if weights else np.ones(len(dimensions))
    one, other = rng.choice(len(dimensions), 2, replace=False, p=p / p.sum() if weights else None)
    return some_case(rng, (dimensions[one], dimensions[other]), task)


def picture(case: Case, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rendering of the case's scene, with wear."""
    return worn(draw(case.scene), case.scene.wear, rng)


def shown_case(seed: int, number: int, task: Task = Task.T2I) -> tuple[Case, NDArray[np.uint8]]:
    """Case by index, and its picture before any autoencoder round trip."""
    rng = np.random.default_rng((seed, number, 7 + list(Task).index(task)))
    case = case_of(rng, task=task)
    return case, picture(case, rng)


def misremembered(case: Case, rng: np.random.Generator) -> Case:
    """The case with another prompt, of which the pictures grant some."""
    if isinstance(case.request, Instruction):
        return replace(case, request=recall_instruction(rng, case.request, case.scene, MISREMEMBERED))
    request = recall(rng, case.scene, MISREMEMBERED)
    if case.source:
        this = Want(f"this {case.source.things[0].kind}", (case.source.things[0].kind,), case.source.things[0].colour)
        place = next((number for number, want in enumerate(request.wants) if want.kinds == this.kinds), 0)
        request = replace(request, wants=(*request.wants[:place], this, *request.wants[place + 1 :]))
    return replace(case, request=request)
