"""Judges behind OpenAI-compatible servers: vLLM, SGLang, OpenAI."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

from openai import AsyncOpenAI

from trig.backends.checkpoint import reserved, unsayable
from trig.backends.judges.completions import count, read, request, seed
from trig.backends.judges.contact import Contact
from trig.backends.weights import checkpoint_of, judged_by
from trig.errors import JudgeError
from trig.keys import content_key
from trig.llm.clients import Access
from trig.llm.endpoints import Crew
from trig.llm.images import shown
from trig.llm.pool import Pool, persistently
from trig.llm.providers import presets
from trig.params.judge import ServedJudge
from trig.protocols.judge import Answer, Labels, Question
from trig.protocols.refusal import Refusal

ASKING = 4
"""Cache version: raise it when a change to requests or parsing can change answers."""
MARK = re.compile(
    r"<\|[^<>|\s]+\|>|</?(?:s|bos|eos|pad|unk|img|image|image_pad|video|(?:start|end)_of_(?:turn|image))>|\[/?(?:INST|IMG\w*)\]"
)
"""Common special tokens, for judges without a local tokenizer."""


class Served:
    """Vision-language model behind one or several identical servers; without logprobs, `samples` answers per question. Satisfies `Judge`."""

    def __init__(self, name: str, settings: ServedJudge, samples: int | None = None) -> None:
        self.samples = samples
        spent = presets()["custom"].spent
        self.access = Access.of(f"params.yaml: judges.{name}", settings, settings.endpoints, settings.key, JudgeError, spent)
        self.contact = Contact(self.access, settings.model, samples)
        self.model, self.engine, self.mode = self.contact.model, self.contact.engine, self.contact.mode
        self.encode = self.contact.encode
        self.dtype: str | None = None
        self.reserved = reserved(checkpoint_of(settings))
        self.shown = lru_cache(2 * settings.concurrency * len(settings.endpoints))(shown)  # all images in flight
        needs = judged_by(settings)
        self.revision = content_key(model=self.model, engine=self.engine, needs=needs, mode=self.mode, samples=samples, asking=ASKING)

    async def _unsayable(self, text: str) -> Refusal | None:
        """Refusal for text with special tokens, else None. Without a local tokenizer the server's is used."""
        if self.reserved:
            return unsayable(text, self.reserved)
        tokens = {word: await asyncio.to_thread(self.encode, word) for word in set(MARK.findall(text))}
        return unsayable(text, [word for word, ids in tokens.items() if ids and len(ids) == 1])

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        """Yields answers as they complete, from all endpoints concurrently, in constant memory."""
        pool = Pool[Question, Answer](self.access, partial(self._answer, labels))
        return pool.ask(questions, lambda question: (question.images, question.prompt))

    async def _answer(self, labels: Labels, question: Question, crew: Crew) -> Answer | Refusal:
        """Refused without asking, or asked until settled."""
        if refusal := await self._unsayable(question.text):
            return refusal
        pictures: list[str] = []
        for file in question.images:
            picture = await asyncio.to_thread(self.shown, file)  # decoding would block the event loop
            if isinstance(picture, Refusal):
                return picture
            pictures.append(picture)
        once = partial(self._once, question=question, pictures=pictures, labels=labels)
        return await persistently(crew, self.access, question.images, once, self.contact.refused)

    async def _once(self, client: AsyncOpenAI, question: Question, pictures: Sequence[str], labels: Labels) -> Answer:
        mode = "top" if labels.top and self.mode == "exact" else self.mode
        body = request(self.model, question.text, pictures, labels, mode, self.contact.longest, self.contact.is_vllm, self.contact.limit)
        if self.samples is None:
            return read(await client.chat.completions.create(**body), labels, mode)
        said: list[Any] = []
        while left := self.samples - sum(len(each.choices) for each in said):  # servers may return fewer choices than n
            said.append(await client.chat.completions.create(**body, n=left, seed=seed(question, len(said))))
            if not 0 < len(said[-1].choices) <= left:
                raise ValueError(f"{len(said[-1].choices)} answers where {left} were asked for")
        return count(said, labels)
