"""Vision-language models as judges."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from trig.protocols.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Question:
    """One judge call: how good is this picture on one dimension?"""

    image: bytes  # PNG
    prompt: str
    rubric: str
    source_image: bytes | None = None  # PNG: the picture that was edited (p2p) or the subject (s2p); the judge sees it first

    @property
    def text(self) -> str:
        """What stands after the pictures. The rubric comes last, so that all questions about a picture share their beginning."""
        return f"{self.context}{self.rubric}"

    @property
    def context(self) -> str:
        """The part of the text that all questions about one picture and prompt share."""
        return f"Prompt: {self.prompt}\n"

    @property
    def images(self) -> tuple[bytes, ...]:
        """The pictures in the order in which the judge sees them."""
        return (self.image,) if self.source_image is None else (self.source_image, self.image)


Mode = Literal["exact", "top", "sampled"]
"""Where a distribution comes from: the full vocabulary; the likeliest tokens, so that a grade may be missing and the mass outside is an upper
bound; or counted answers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer token's distribution over the grades."""

    logprobs: tuple[float, ...]  # nats ≤ 0, one per grade, worst to best, over the full vocabulary; -inf where there is none
    mode: Mode = "exact"
    samples: int | None = None  # answers that were counted, where mode is sampled
    tokens: int | None = None  # of the question, pictures included
    cached: int | None = None  # of these, how many the server had computed before
    picture_tokens: int | None = None  # of `tokens`, how many stand for pictures; None where the judge does not tell


@dataclass(frozen=True, slots=True)
class Labels:
    """The grades, worst to best, and for each the ids of the tokens that mean it; no ids where the judge's tokenizer is not known."""

    grades: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...] | None
    words: tuple[tuple[str, ...], ...] | None = None  # the tokens' texts, where not any spelling of a grade means it
    top: int | None = None  # only so many of the likeliest tokens count


class Judge(Protocol):
    """A vision-language model that answers with a grade."""

    revision: str
    """Hash of everything that decides an answer besides its question: weights, chat template, pixel policy."""
    engine: str
    """The software that computes the answers, and its version."""
    dtype: str | None
    """The numbers it computes them in, such as float32; None where it does not tell."""

    def encode(self, text: str) -> list[int] | None:
        """Token ids of a text, without special tokens; None where the judge's tokenizer is out of reach."""
        ...

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        """The place of each question and its answer, once each, as they finish. Questions are taken when they are needed, and let go of."""
        ...
