"""What a backend must do. The library talks to these and never to a model's own library."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


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
    """One judge call: how good is this picture on one dimension?"""

    image: bytes  # PNG
    prompt: str
    rubric: str

    @property
    def text(self) -> str:
        """What stands after the picture. The rubric comes last, so that all questions about a picture share their beginning."""
        return f"{self.context}{self.rubric}"

    @property
    def context(self) -> str:
        """The part of the text that all questions about one picture and prompt share."""
        return f"Prompt: {self.prompt}\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer token's distribution over the grades."""

    logprobs: tuple[float, ...]  # nats ≤ 0, one per grade, worst to best, over the full vocabulary


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer."""

    reason: str


Labels = Sequence[Sequence[int]]
"""Token ids per grade, worst to best: all spellings of the grade's first token."""


class Judge(Protocol):
    """A vision-language model that answers with a grade."""

    revision: str
    """Hash of everything that decides an answer besides its question: weights, chat template, pixel policy."""

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without special tokens."""
        ...

    def ask(self, questions: Sequence[Question], labels: Labels) -> Iterator[Answer | Refusal]:
        """One answer per question, in order, yielded as batches finish."""
        ...
