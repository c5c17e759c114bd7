"""Annotators behind chat endpoints: OpenAI, DeepSeek, vLLM and others that speak the same protocol."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, get_args

import openai
from openai import AsyncOpenAI
from pydantic import BaseModel

from trig.errors import AnnotatorError
from trig.keys import content_key
from trig.llm import shapes
from trig.llm.clients import FILTERED, Access
from trig.llm.contact import Contact
from trig.llm.endpoints import Crew
from trig.llm.images import shown
from trig.llm.pool import Pool, persistently
from trig.llm.providers import provider
from trig.params.annotators import AnnotatorModel, Json
from trig.protocols.annotator import Ask, Reply
from trig.protocols.refusal import Refusal
from trig.text import blank

ASKING = 1
"""Cache version: raise it when a change to requests or parsing can change answers."""
LEVELS: tuple[Json, ...] = get_args(Json)
"""What holds an answer to its shape, strongest first."""
REPAIR = "Your last answer could not be used: {wrong}.\nAnswer the same question again, with the corrected JSON object only, in the form asked for."
NAME = 100
"""Characters of a model's name that are kept."""


@dataclass(frozen=True, slots=True)
class Said:
    """Content of a chat completion, and what it cost."""

    text: str
    cut: bool  # by the limit on tokens
    model: str
    fingerprint: str | None
    tokens: tuple[int, int] | None  # of prompt and completion, where the server tells them


class Served:
    """Language model behind one or several servers. Satisfies `Annotator`."""

    def __init__(self, name: str, entry: AnnotatorModel) -> None:
        self.name, self.entry, self.can = name, entry, provider(entry)
        self.field = f"params.yaml: annotators.{name}"
        self.level: Json = self.can.json  # lowered where the server refuses it
        for parameter in ("temperature", "seed"):
            if getattr(entry, parameter) is not None and not getattr(self.can, parameter):
                raise AnnotatorError(f"{self.field}.{parameter}: {entry.provider} takes none; set it to null, or allow it under overrides:")
        self.revision = self._revision()

    @cached_property
    def access(self) -> Access:
        """Endpoints and key."""
        return Access.of(self.field, self.entry, self.can.endpoints, self.can.key, AnnotatorError, self.can.spent)

    @cached_property
    def contact(self) -> Contact:
        """First contact; before the first question only, unless the model is not named."""
        return Contact(self.access, self.entry.model, self.can.models)

    def _revision(self) -> str:
        """Hash of provider, model, capabilities that shape a request, and sampling settings."""
        can = {name: getattr(self.can, name) for name in ("json", "strict", "no_thinking")}
        model, entry = self.entry.model or self.contact.model, self.entry
        sampling = {"temperature": entry.temperature, "seed": entry.seed, "longest": entry.longest}
        return content_key(provider=entry.provider, model=model, can=can, **sampling, asking=ASKING)

    def ask(self, asked: Iterable[Ask]) -> Iterator[tuple[int, Reply | Refusal]]:
        """Yields answers as they complete, from all endpoints concurrently, in constant memory."""
        _ = self.contact  # blocks, so not in the event loop
        return Pool[Ask, Reply](self.access, self._answer).ask(asked, lambda ask: ask.images or None)

    async def _answer(self, ask: Ask, crew: Crew) -> Reply | Refusal:
        """A valid answer, at the second attempt if the first can be repaired."""
        content = await self._content(ask)
        if isinstance(content, Refusal):
            return content
        talk: list[dict[str, Any]] = [{"role": "system", "content": ask.system}, {"role": "user", "content": content}]
        spent, wrong = list[tuple[int, int] | None](), ""
        for _ in range(2):
            said = await self._said(talk, ask, crew)
            if isinstance(said, Refusal):
                return said
            spent.append(said.tokens)
            try:
                answer = _read(said, ask.shape)
            except ValueError as error:
                wrong = str(error)
                talk += [{"role": "assistant", "content": said.text or "{}"}, {"role": "user", "content": REPAIR.format(wrong=wrong)}]
                continue
            return Reply(answer, said.model, said.fingerprint, *_sum(spent))
        return Refusal(f"no answer of the shape asked for, after a repair: {wrong}", final=True)

    async def _content(self, ask: Ask) -> str | list[dict[str, Any]] | Refusal:
        """What the user says: pictures first, then the text with the shape of the answer."""
        text = f"{ask.text}\n\n{shapes.stated(ask.shape)}"
        if not ask.images:
            return text
        if not self.can.vision:
            raise AnnotatorError(
                f"{self.field}.overrides.vision: pictures are to be described, and the model is not said to see; set it to true"
            )
        pictures = [await asyncio.to_thread(shown, file) for file in ask.images]
        if unreadable := next((each for each in pictures if isinstance(each, Refusal)), None):
            return unreadable
        return [*({"type": "image_url", "image_url": {"url": url}} for url in pictures), {"type": "text", "text": text}]

    async def _said(self, talk: Sequence[dict[str, Any]], ask: Ask, crew: Crew) -> Said | Refusal:
        """Asks; once more after a blank answer."""
        once = partial(self._once, talk=talk, shape=ask.shape)
        for _ in range(2):
            said = await persistently(crew, self.access, ask.images, once, self.contact.refused)
            if isinstance(said, Refusal) or said.cut or not blank(said.text):
                return said
        return Refusal("a blank answer, twice", final=True)

    async def _once(self, client: AsyncOpenAI, talk: Sequence[dict[str, Any]], shape: type[BaseModel]) -> Said | Refusal:
        """One completion; where the server refuses the response format, the next weaker one is used from then on."""
        body: dict[str, Any] = {"model": self.contact.model, "messages": list(talk), self.can.limit: self.contact.room(self.entry.longest)}
        body |= {name: value for name in ("temperature", "seed") if (value := getattr(self.entry, name)) is not None}
        for level in LEVELS[LEVELS.index(self.level) :]:
            try:
                completion = await client.chat.completions.create(**body, **self._format(level, shape), extra_body=self.can.no_thinking)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if FILTERED & {str(error.code), str(error.type)}:
                    return Refusal("the provider's content filter refused the question", final=True)
                self._taken(error)
                if level == LEVELS[-1]:
                    raise
                continue
            self._lower(level)
            return _told(completion)
        raise AssertionError("a level is tried")

    def _format(self, level: Json, shape: type[BaseModel]) -> dict[str, Any]:
        if level == "none":
            return {}
        if level == "object":
            return {"response_format": {"type": "json_object"}}
        strict = {"strict": True} if self.can.strict else {}
        named = {"name": shape.__name__, "schema": shapes.schema(shape, self.can.strict), **strict}
        return {"response_format": {"type": "json_schema", "json_schema": named}}

    def _taken(self, error: openai.APIStatusError) -> None:
        """Raises AnnotatorError for a parameter that the model does not take: no other question would escape it."""
        if not str(error.code).startswith("unsupported"):
            return
        if error.param in ("temperature", "seed") and getattr(self.entry, error.param) is not None:
            raise AnnotatorError(
                f"{self.field}.{error.param}: {self.contact.model} does not take it (HTTP {error.status_code}); set it to null"
            )
        if error.param == self.can.limit:
            raise AnnotatorError(
                f"{self.field}.overrides.limit: {self.contact.model} does not take {self.can.limit} (HTTP {error.status_code}); set the other"
            )

    def _lower(self, level: Json) -> None:
        if LEVELS.index(level) > LEVELS.index(self.level):
            logging.getLogger(__name__).warning("%s.overrides.json: the server refuses %s; %s is used", self.field, self.level, level)
            self.level = level


def _told(completion: Any) -> Said | Refusal:
    """Content and cost of a completion. Raises one of MALFORMED for another shape."""
    choice = completion.choices[0]
    if getattr(choice.message, "refusal", None):
        return Refusal("the model refused the question", final=True)
    if choice.finish_reason == "content_filter":
        return Refusal("the provider's content filter stopped the answer", final=True)
    if not isinstance(text := choice.message.content or "", str):
        raise TypeError("content is no text")
    usage = getattr(completion, "usage", None)
    prompt, answer = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
    tokens = (prompt, answer) if isinstance(prompt, int) and isinstance(answer, int) else None
    fingerprint = getattr(completion, "system_fingerprint", None)
    return Said(
        text, choice.finish_reason == "length", _plain(completion.model), None if fingerprint is None else _plain(fingerprint), tokens
    )


def _sum(tokens: Sequence[tuple[int, int] | None]) -> tuple[int, int] | tuple[None, None]:
    """Tokens of an answer and its repair; None where one is not told."""
    told = [each for each in tokens if each is not None]
    return (sum(prompt for prompt, _ in told), sum(answer for _, answer in told)) if len(told) == len(tokens) else (None, None)


def _plain(name: object) -> str:
    """A server's word for itself, fit for a table."""
    return "".join(letter for letter in str(name) if letter.isprintable())[:NAME]


def _read(said: Said, shape: type[BaseModel]) -> BaseModel:
    """Raises ValueError that says what is wrong with the answer."""
    try:
        return shapes.read(said.text, shape)
    except ValueError:
        if said.cut:
            raise ValueError("it was longer than the limit on tokens and was cut off") from None
        raise
