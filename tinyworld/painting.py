"""Measures a painter on held-out prompts of each task."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinyworld.cases import case_of
from tinyworld.edited import remainder
from tinyworld.evaluate import UNSEEN, plain_requests, png
from tinyworld.instructions import Instruction
from tinyworld.language import Request
from tinyworld.render import draw
from trig.judge.rating import ratings
from trig.judge.rubrics import rubrics
from trig.params import Params
from trig.protocols.judge import Judge, Question
from trig.vocabulary.dimensions import Dimension, Task

DIMENSIONS = (Dimension.STYLE, Dimension.CONTENT, Dimension.RELATION)


@dataclass(frozen=True, slots=True)
class Asked:
    """Prompt with its source picture, and the requests for what is new and for what should stay, where there is any."""

    prompt: str
    related: bool
    source: bytes | None = None
    new: Request | None = None
    kept: Request | None = None


def asked(count: int, task: Task) -> list[Asked]:
    """Held-out prompts: plain requests, or edits and subjects of all dimensions."""
    if task is Task.T2I:
        return [Asked(request.text, bool(request.relation)) for request in plain_requests(count)]
    found = []
    for number in range(count):
        case = case_of(np.random.default_rng((UNSEEN, 98, number, list(Task).index(task))), task=task)
        assert case.source
        source, request = png(draw(case.source)), case.request
        if isinstance(request, Instruction):
            related = any(clause.relation for clause in request.clauses)
            found.append(Asked(request.text, related, source, *remainder(request)))
        else:
            subject, others = replace(request.wants[0], phrase=_named(request)), request.wants[1:]
            new = Request(others, place=request.place) if others else None
            found.append(Asked(request.text, bool(request.relation), source, new, Request((subject,))))
    return found


def _named(request: Request) -> str:
    this = request.wants[0]
    return f"a {this.colour} {this.kinds[0]}"


def judged(settings: Params, judge: Judge, task: Task, of: Sequence[Asked], pictures: Sequence[bytes]) -> list[dict[str, Any]]:
    """Mean expected score per dimension, and of the parts of an edit, read in the result alone as text-to-image content."""
    scale = settings.judge.scale
    texts = {each: rubrics(settings.judge.rubrics, each, scale.grades) for each in {task, Task.T2I}}

    def row(dimension: Dimension, read: str, questions: Sequence[Question]) -> dict[str, Any]:
        scores = [rating.expected for rating in ratings(judge, questions, scale, settings.judge.max_off_mass)]
        known = [score for score in scores if score is not None]
        mean = sum(known) / len(known) if known else None
        return {"dimension": dimension.value, "read": read, "n": len(scores), "nulls": len(scores) - len(known), "mean_expected": mean}

    both = list(zip(of, pictures, strict=True))
    found = []
    for dimension in DIMENSIONS:
        rows = [(each, picture) for each, picture in both if dimension is not Dimension.RELATION or each.related]
        questions = [Question(picture, each.prompt, texts[task][dimension], each.source) for each, picture in rows]
        found.append(row(dimension, "", questions))
    if task is not Task.T2I:
        for read, requests in (("what is new", [each.new for each in of]), ("what should stay", [each.kept for each in of])):
            parts = [(request.text, picture) for request, picture in zip(requests, pictures, strict=True) if request]
            content = texts[Task.T2I][Dimension.CONTENT]
            found.append(row(Dimension.CONTENT, read, [Question(picture, text, content) for text, picture in parts]))
    return found


def shown(of: Sequence[Asked], pictures: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """Prompts with their pictures, each after its source."""
    pairs = ([(f"source of: {each.prompt}", each.source)] if each.source else [] for each in of)
    return [cell for before, each, picture in zip(pairs, of, pictures, strict=True) for cell in (*before, (each.prompt, picture))]
