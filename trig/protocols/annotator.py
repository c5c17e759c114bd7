"""Annotator: a language model that writes, describes and checks, one structured answer per question."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from trig.protocols.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Ask:
    """A question with the shape of its answer."""

    system: str
    text: str
    shape: type[BaseModel]  # stated in the prompt as a JSON schema, validated on arrival
    images: tuple[bytes, ...] = ()  # picture files


@dataclass(frozen=True, slots=True)
class Reply:
    """A valid answer, and who gave it."""

    answer: BaseModel
    model: str  # as the server reports it
    fingerprint: str | None  # the server's configuration, where it tells one
    prompt_tokens: int | None
    completion_tokens: int | None


class Annotator(Protocol):
    """A language model behind some provider."""

    name: str  # entry of params.yaml
    revision: str  # hash of provider, model and sampling settings: part of the cache key of an answer

    def ask(self, asked: Iterable[Ask]) -> Iterator[tuple[int, Reply | Refusal]]:
        """Yields (index, reply) as they complete; a refusal has its reason, and is Unanswered where another try may get an answer."""
        ...
