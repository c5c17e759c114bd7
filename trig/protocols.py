"""What a backend must do. The library talks to these and never to a model's own library."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from trig.dimensions import Dimension, Task


@dataclass(frozen=True, slots=True)
class Order:
    """A picture to be made."""

    prompt: str
    seed: int  # 0 ≤ seed < 2**63
    source_image: bytes | None = None  # PNG: the picture to edit (p2p) or the subject (s2p)


class Generator(Protocol):
    """A model of the zoo, loaded."""

    revision: str
    """Hash of everything that decides a picture besides its order: weights, adapter, call arguments."""

    def generate(self, orders: Sequence[Order]) -> list[bytes]:
        """One PNG per order. A picture depends on its own order only, never on its neighbours in the batch."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """One judge call: how good is this picture on this dimension?"""

    image: bytes  # PNG
    prompt: str
    dimension: Dimension
    rubric: str
    task: Task = Task.T2I


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer token's distribution over the grades."""

    logprobs: tuple[float, ...]  # nats ≤ 0, one per grade, worst to best, over the full vocabulary


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer."""

    reason: str


class Judge(Protocol):
    """A vision-language model that answers with a grade."""

    revision: str
    """Hash of weights, chat template, grades and pixel policy."""

    def ask(self, questions: Sequence[Question]) -> Iterator[Answer | Refusal]:
        """One answer per question, in order, yielded as batches finish."""
        ...
