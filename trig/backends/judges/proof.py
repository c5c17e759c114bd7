"""Proof of a judge: whether an architecture answers in shared batches, or one question at a time, as in a plain forward pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from PIL import Image

from trig.backends.judges.chat import Pictures
from trig.backends.judges.forward import Forward
from trig.backends.unloadable import UNLOADABLE
from trig.backends.weights import brief
from trig.protocols.judge import Question

LIMIT = 1e-4
"""Largest difference of a log-probability in float32, in nats."""
ROUNDING = 16
"""Largest difference in other numbers: so many of their rounding steps, relative to the spread of the log-probabilities."""
LEAST = -50.0
"""Log-probabilities below count as equal: some models mask tokens with the smallest number."""
SHORT = "Is it good? Answer with one word."
MIDDLE = "Are all things there that the prompt asks for? Answer with one word."
LONG = (
    "Look at the whole picture first, then at each thing in it, its colour, its place and its size. "
    "Ignore what the prompt does not ask for. Answer with one word."
)
SIDES = ((112, 56), (64, 96))
"""Width and height of the two pictures."""

Way: TypeAlias = Literal["shared", "alone"]


@dataclass(frozen=True, slots=True)
class Proof:
    """How questions with so many pictures are asked, and how far from the plain pass both ways are, in nats."""

    way: Way | None  # None: neither way holds
    why: str = ""  # what was wrong with the ways that do not hold


def proven(forward: Forward, pictures: int) -> Proof:
    """Three questions about two pictures of two sizes, with rubrics of unequal length. `pictures`: 1, or 2 with a source picture.

    A model with its own `alone` pass equal to the plain one, and its `shared` pass not, is asked one question at a time.
    """
    shown: list[Image.Image] = [
        Image.linear_gradient("L").resize(SIDES[0]).convert("RGB"),
        Image.radial_gradient("L").resize(SIDES[1]).convert("RGB"),
    ]
    source = b"0" if pictures > 1 else None
    questions = [
        Question(b"0", "a ball", SHORT, source),
        Question(b"0", "a ball", LONG, source),
        Question(b"1", "two red boxes on a table", MIDDLE),
    ]
    files: dict[bytes, Image.Image] = {b"0": shown[0], b"1": shown[1]}
    seen = [[files[file] for file in question.images] for question in questions]
    try:
        wanted = torch.cat([forward.whole(*each) for each in zip(questions, seen, strict=True)])
    except UNLOADABLE as error:
        return Proof(None, _said("a plain forward pass", error))
    return _compared(forward, questions, seen, wanted)


def _compared(forward: Forward, questions: Sequence[Question], seen: Sequence[Pictures], wanted: torch.Tensor) -> Proof:
    why = ""
    ways: tuple[Way, ...] = ("shared", "alone")
    for way in ways:
        try:
            prepared = forward.chat.shared(questions, seen) if way == "shared" else forward.chat.alone(questions, seen)
            wrong = apart(forward.logprobs(prepared), wanted, forward.model.dtype)
        except UNLOADABLE as error:
            why = _said("a shared cache" if way == "shared" else "one question at a time", error)
            continue
        if wrong is None:
            return Proof(way, why)
        why = f"{'with a shared cache' if way == 'shared' else 'asked one at a time'} {wrong}"
    return Proof(None, why)


def apart(found: torch.Tensor, wanted: torch.Tensor, dtype: torch.dtype) -> str | None:
    """How log-probabilities differ; None where they are equal up to the rounding of their numbers."""
    one, other = found.clamp(min=LEAST), wanted.clamp(min=LEAST)
    furthest = (one - other).abs().max().item()
    limit = LIMIT if dtype == torch.float32 else ROUNDING * torch.finfo(dtype).eps * other.std(-1).max().item()
    return None if furthest <= limit else f"its answers are {furthest:.2g} nats from those of a plain forward pass, more than {limit:.1g}"


def _said(what: str, error: Exception) -> str:
    return f"{what}: {type(error).__name__}: {brief(error)}"
