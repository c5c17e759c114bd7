"""Judges behind servers that speak OpenAI's protocol: vLLM, SGLang, OpenAI's own."""

import asyncio
import os
import random
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import openai
from openai import AsyncOpenAI, OpenAI

from trig.backends.completions import LONGEST, MALFORMED, count, read, request, seed, shown
from trig.backends.endpoints import Crew, Endpoint
from trig.backends.weights import revision
from trig.errors import JudgeError
from trig.keys import content_key
from trig.params import ServedJudge
from trig.protocols import Answer, Labels, Mode, Question, Refusal

ASKING = 2
"""Cache version: raise it when asking changes in a way that changes answers, so that no stored answer to the old way is taken for a new one."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 20.0
"""Seconds between the tries of one question: they double, and a random part is taken off."""
ALONE = {"Connection": "close"}
"""What is asked before any question has a connection of its own: one that is kept would stay open as long as the judge."""
PROBES = 3
"""Answers of another shape to the first question that show that a server does not tell what it was asked for: a wire may spoil one."""


class Served:
    """A vision-language model behind one or several servers, which must serve the same. Satisfies `Judge`.

    `samples` answers to each question are counted when it is given: for models that tell no probabilities.
    """

    def __init__(self, name: str, settings: ServedJudge, samples: int | None = None) -> None:
        self.field = f"params.yaml: judges.{name}"
        self.settings, self.samples = settings, samples
        self.key = _key(settings, self.field)
        self.home, self.model, self.longest = self._meet()
        self.patient = self.home.with_options(max_retries=max(2, settings.retries))
        self.engine = self._engine()
        self.dtype: str | None = None
        self.encode = cache(self._encode)
        self.shown = lru_cache(2 * settings.concurrency * len(settings.endpoints))(shown)  # the pictures that can be under way
        self.mode: Mode = "sampled" if samples else self._mode()
        needs = revision(Path(settings.needs))
        self.revision = content_key(model=self.model, engine=self.engine, needs=needs, mode=self.mode, samples=samples, asking=ASKING)

    @property
    def is_vllm(self) -> bool:
        return self.engine.startswith("vllm")

    def _meet(self) -> tuple[OpenAI, str, int]:
        """The first endpoint that answers, the name of the model there, and the tokens that a sampled answer may have."""
        said = ""
        for url in self.settings.endpoints:
            client = OpenAI(base_url=url, api_key=self.key, timeout=self.settings.timeout, max_retries=2, default_headers=ALONE)
            try:
                contexts = {model.id: getattr(model, "max_model_len", None) for model in client.models.list()}
            except (openai.AuthenticationError, openai.PermissionDeniedError):
                raise _locked(self.field) from None
            except (openai.APIError, *MALFORMED) as error:
                said = said or f"{self.field}.endpoints: {url}: {_brief(error)}"
                continue
            wanted = self.settings.model or (next(iter(contexts)) if len(contexts) == 1 else None)
            if wanted not in contexts:
                raise JudgeError(f"{self.field}.model: {self.settings.model!r} is not served at {url}; choose one of {', '.join(contexts)}")
            context = contexts[wanted]
            return client, wanted, min(LONGEST, context // 2) if isinstance(context, int) else LONGEST
        raise JudgeError(f"{said}; start the server, or correct the address")

    def _engine(self) -> str:
        found = self._beside("get", "version")
        return f"vllm {found['version']}" if found and "version" in found else f"server {urlsplit(self.settings.endpoints[0]).hostname}"

    def _beside(self, verb: Literal["get", "post"], path: str, **body: object) -> dict[str, Any] | None:
        """What a server says outside OpenAI's protocol, as vLLM does; None from a server that does not.

        Raises JudgeError when the wire fails: a judge must not change with the weather.
        """
        root = str(self.home.base_url).rstrip("/").removesuffix("/v1")
        try:
            found = getattr(self.patient, verb)(f"{root}/{path}", cast_to=object, **({"body": body} if body else {}))
        except (openai.APIConnectionError, openai.APIStatusError) as error:
            if _passes(error):
                raise self._broken(error) from None
            return None
        except (openai.APIError, *MALFORMED):
            return None
        return found if isinstance(found, dict) else None

    def _broken(self, error: Exception) -> JudgeError:
        return JudgeError(f"{self.field}.endpoints: {self.home.base_url}: {_brief(error)}; mend the server and run again")

    def _encode(self, text: str) -> list[int] | None:
        """Token ids of a text by the server's own tokenizer; None from a server that does not tell."""
        found = self._beside("post", "tokenize", model=self.model, prompt=text, add_special_tokens=False)
        return list(found["tokens"]) if found and isinstance(found.get("tokens"), list) else None

    def _mode(self) -> Mode:
        """Whether the server tells the probability of any token asked for, or only of the likeliest, found out with a word and no picture.

        Raises JudgeError when it tells neither.
        """
        ids = self.encode("Good")
        if ids and self._tells("exact", Labels(("Good",), (tuple(ids[:1]),))):
            return "exact"
        if self._tells("top", Labels(("Good",), None)):
            return "top"
        raise JudgeError(
            f"{self.field}: the server tells no probabilities of {self.model}'s answers; set judge.mode to sampled, or serve another model"
        )

    def _tells(self, mode: Mode, labels: Labels) -> bool:
        for _ in range(PROBES):
            try:
                said = self.patient.chat.completions.create(**request(self.model, "Good?", [], labels, mode, thinks=self.is_vllm))
                read(said, labels, mode)
                if "<think" in str(said.choices[0].message.content):
                    raise JudgeError(
                        f"{self.field}: {self.model}'s answers begin with thinking; switch it off at the server, or set judge.mode to sampled"
                    )
            except (openai.AuthenticationError, openai.PermissionDeniedError):
                raise _locked(self.field) from None
            except (openai.APIConnectionError, openai.APIStatusError) as error:
                if not _passes(error):
                    return False
                raise self._broken(error) from None
            except MALFORMED:
                continue
            else:
                return True
        return False

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        """Answers as they come, from all endpoints at once. Memory does not grow with the number of questions."""
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
            crew = Crew([await stack.enter_async_context(Endpoint(url, self.key, self.settings)) for url in self.settings.endpoints])
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
        """Asks until there is an answer, the server says that there will be none, or the tries are used up."""
        pictures: list[str] = []
        for file in question.images:
            picture = await asyncio.to_thread(self.shown, file)  # decoding a large one here would hold up the others' answers
            if isinstance(picture, Refusal):
                return place, picture
            pictures.append(picture)
        said, endpoint = "", None
        for tries in range(self.settings.retries + 1):
            if tries:
                await asyncio.sleep(crew.wait or random.uniform(0.5, 1) * min(LONGEST_DELAY, FIRST_DELAY * 2 ** (tries - 1)))
            endpoint = await crew.turn(question.images, endpoint)
            try:
                answer = await self._once(endpoint.client, question, pictures, labels)
            except (openai.AuthenticationError, openai.PermissionDeniedError):
                endpoint.left()
                raise _locked(self.field) from None
            except (openai.APIConnectionError, openai.APIStatusError, *MALFORMED) as error:
                said = _brief(error)
                if not _passes(error):
                    endpoint.left()
                    return place, Refusal(f"the server refused the question ({said})")
                endpoint.failed(error)
                continue
            endpoint.answered()
            return place, answer
        return place, Refusal(f"no answer in {self.settings.retries + 1} tries; last: {said}")

    async def _once(self, client: AsyncOpenAI, question: Question, pictures: Sequence[str], labels: Labels) -> Answer:
        mode = "top" if labels.top and self.mode == "exact" else self.mode
        body = request(self.model, question.text, pictures, labels, mode, self.longest, self.is_vllm)
        if self.samples is None:
            return read(await client.chat.completions.create(**body), labels, mode)
        said: list[Any] = []
        while left := self.samples - sum(len(each.choices) for each in said):  # a server may give fewer at a time than it is asked for
            said.append(await client.chat.completions.create(**body, n=left, seed=seed(question, len(said))))
            if not 0 < len(said[-1].choices) <= left:
                raise ValueError(f"{len(said[-1].choices)} answers where {left} were asked for")
        return count(said, labels)


class Queue:
    """Questions in order, but that those about pictures and a prompt wait for the first of them: by then the server has computed what they share."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self.ahead = iter(enumerate(questions))
        self.ready: deque[tuple[int, Question]] = deque()
        self.behind: dict[tuple[object, ...], list[tuple[int, Question]]] = {}
        self.first: dict[int, tuple[object, ...]] = {}

    def next(self) -> tuple[int, Question] | None:
        """The place of the next question that may be asked now, and the question."""
        if self.ready:
            return self.ready.popleft()
        for place, question in self.ahead:
            shared = (question.images, question.prompt)
            if shared not in self.behind:
                self.behind[shared], self.first[place] = [], shared
                return place, question
            self.behind[shared].append((place, question))
        return None

    def answered(self, place: int) -> None:
        """A question is answered: those that waited for it may be asked."""
        if shared := self.first.pop(place, None):
            self.ready.extend(self.behind.pop(shared))


def _passes(error: Exception) -> bool:
    """Whether asking again may help."""
    return not isinstance(error, openai.APIStatusError) or error.status_code in {408, 409, 429} or error.status_code >= 500


def _brief(error: Exception) -> str:
    """What happened, without a word of what was sent: a server's message may repeat the prompt."""
    match error:
        case openai.APIStatusError():
            return f"HTTP {error.status_code}"
        case openai.APITimeoutError():
            return "no answer in time"
        case openai.APIConnectionError():
            return "no connection"
    return "an answer of another shape"


def _key(settings: ServedJudge, field: str) -> str:
    if settings.key is None:
        return "none"
    if not (key := os.environ.get(settings.key)):
        raise JudgeError(f"{field}.key: the environment has no {settings.key}; set it to the server's key")
    return key


def _locked(field: str) -> JudgeError:
    return JudgeError(f"{field}.key: the server does not accept the key; name the environment variable that holds the right one")
