"""Judges behind OpenAI-compatible servers: vLLM, SGLang, OpenAI."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import openai
from openai import AsyncOpenAI

from trig.backends.checkpoint import reserved, unsayable
from trig.backends.judges.completions import MALFORMED, count, read, request, seed, shown
from trig.backends.judges.contact import Contact
from trig.backends.weights import revision
from trig.keys import content_key
from trig.llm import clients
from trig.llm.clients import brief, passes, spent
from trig.llm.endpoints import Crew, Endpoint, Queue, delay
from trig.params.judge import ServedJudge
from trig.protocols.judge import Answer, Labels, Question
from trig.protocols.refusal import Refusal

Said = TypeVar("Said")
ASKING = 4
"""Cache version: raise it when a change to requests or parsing can change answers."""
MARK = re.compile(
    r"<\|[^<>|\s]+\|>|</?(?:s|bos|eos|pad|unk|img|image|image_pad|video|(?:start|end)_of_(?:turn|image))>|\[/?(?:INST|IMG\w*)\]"
)
"""Common special tokens, for judges without a local tokenizer."""


class Served:
    """Vision-language model behind one or several identical servers; without logprobs, `samples` answers per question. Satisfies `Judge`."""

    def __init__(self, name: str, settings: ServedJudge, samples: int | None = None) -> None:
        self.field, self.settings, self.samples = f"params.yaml: judges.{name}", settings, samples
        self.key = clients.key(settings.key, self.field)
        self.contact = Contact(self.field, settings, self.key, samples)
        self.model, self.engine, self.mode = self.contact.model, self.contact.engine, self.contact.mode
        self.encode = self.contact.encode
        self.dtype: str | None = None
        self.reserved = reserved(Path(settings.needs))
        self.shown = lru_cache(2 * settings.concurrency * len(settings.endpoints))(shown)  # all images in flight
        needs = revision(Path(settings.needs))
        self.revision = content_key(model=self.model, engine=self.engine, needs=needs, mode=self.mode, samples=samples, asking=ASKING)

    async def _unsayable(self, text: str) -> Refusal | None:
        """Refusal for text with special tokens, else None. Without a local tokenizer the server's is used."""
        if self.reserved:
            return unsayable(text, self.reserved)
        tokens = {word: await asyncio.to_thread(self.encode, word) for word in set(MARK.findall(text))}
        return unsayable(text, [word for word, ids in tokens.items() if ids and len(ids) == 1])

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        """Yields answers as they complete, from all endpoints concurrently, in constant memory."""
        with asyncio.Runner() as runner:
            answers = self._answers(questions, labels)

            async def following() -> tuple[int, Answer | Refusal] | None:
                return await anext(answers, None)

            try:
                while said := runner.run(following()):
                    yield said
            finally:
                runner.run(answers.aclose())

    async def _answers(self, questions: Iterable[Question], labels: Labels) -> AsyncGenerator[tuple[int, Answer | Refusal]]:
        async with AsyncExitStack() as stack:
            crew = Crew(
                [await stack.enter_async_context(Endpoint(url, self.key, self.settings, self.field)) for url in self.settings.endpoints]
            )
            queue = Queue(questions)
            running: set[asyncio.Task[tuple[int, Answer | Refusal]]] = set()
            try:
                while True:
                    while len(running) < crew.room and (piece := queue.next()):
                        running.add(asyncio.create_task(self._answer(*piece, labels, crew)))
                    if not running:
                        return
                    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        place, said = task.result()
                        running.remove(task)
                        queue.answered(place)
                        yield place, said
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    async def _answer(self, place: int, question: Question, labels: Labels, crew: Crew) -> tuple[int, Answer | Refusal]:
        """Retry until answered, refused or out of retries."""
        if refusal := await self._unsayable(question.text):
            return place, refusal
        pictures: list[str] = []
        for file in question.images:
            picture = await asyncio.to_thread(self.shown, file)  # decoding would block the event loop
            if isinstance(picture, Refusal):
                return place, picture
            pictures.append(picture)
        said, endpoint = "", None
        for tries in range(self.settings.retries + 1):
            if tries:
                await asyncio.sleep(crew.wait or delay(tries - 1))
            endpoint = await crew.turn(question.images, endpoint)
            try:
                answer = await self._once(endpoint.client, question, pictures, labels)
            except (openai.APIConnectionError, openai.APIStatusError, *MALFORMED) as error:
                said = brief(error)
                if spent(error) or not passes(error):
                    endpoint.left()
                    self.contact.refused(error)
                    return place, Refusal(f"the server refused the question ({said})")
                endpoint.failed(error)
                continue
            endpoint.answered()
            return place, answer
        return place, Refusal(f"no answer in {self.settings.retries + 1} tries; last: {said}")

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
