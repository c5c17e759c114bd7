"""Interface of judges: vision-language models (VLM-as-a-judge)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from trig.protocols.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Question:
    """One judge call: an image, its prompt and the rubric of one dimension."""

    image: bytes  # PNG
    prompt: str
    rubric: str
    source_image: bytes | None = None  # PNG: the source image (p2p) or subject (s2p); shown first

    @property
    def text(self) -> str:
        """Text after the images. The rubric comes last, so that questions about an image share a prefix (KV cache)."""
        return f"{self.context}{self.rubric}"

    @property
    def context(self) -> str:
        """The text prefix shared by all questions about one image and prompt."""
        return f"Prompt: {self.prompt}\n"

    @property
    def images(self) -> tuple[bytes, ...]:
        """Images in the order the judge sees them."""
        return (self.image,) if self.source_image is None else (self.source_image, self.image)


Mode = Literal["exact", "top", "sampled"]
"""Source of the distribution: all logprobs; top logprobs, where a grade may be missing and off-grade mass is an upper bound; or counted samples."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Distribution of the first answer token over the grades."""

    logprobs: tuple[float, ...]  # nats ≤ 0, one per grade, worst to best, over the full vocabulary; -inf if absent
    mode: Mode = "exact"
    samples: int | None = None  # number of samples, if mode is sampled
    tokens: int | None = None  # prompt tokens, images included
    cached: int | None = None  # of these, prefix-cache hits
    picture_tokens: int | None = None  # image tokens among `tokens`; None if unknown


@dataclass(frozen=True, slots=True)
class Labels:
    """Grades, worst to best, and the token ids that spell each; no ids if the judge's tokenizer is unknown."""

    grades: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...] | None
    words: tuple[tuple[str, ...], ...] | None = None  # token texts per grade, if not any spelling counts
    top: int | None = None  # top-k: only the k likeliest tokens count


class Judge(Protocol):
    """A vision-language model that answers with a grade."""

    revision: str
    """Hash of everything besides the question that decides an answer: weights, chat template, pixel policy."""
    engine: str
    """Inference engine and version."""
    dtype: str | None
    """Compute dtype, such as float32; None if unknown."""

    def encode(self, text: str) -> list[int] | None:
        """Token ids of a text, without special tokens; None if the tokenizer is unavailable."""
        ...

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        """Yields (index, answer) once per question, as they complete. Questions are consumed lazily and not retained."""
        ...
