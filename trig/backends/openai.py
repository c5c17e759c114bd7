"""Judges behind servers that speak OpenAI's protocol: vLLM, SGLang, OpenAI's own."""

import asyncio
import os
import random
import time
from base64 import b64encode
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import cache
from math import exp, inf, log
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import openai
from openai import AsyncOpenAI, OpenAI

from trig.backends.weights import revision
from trig.errors import JudgeError
from trig.keys import content_key
from trig.params import ServedJudge
from trig.protocols import Answer, Labels, Question, Refusal

ASKING = 1
"""Counts up when this module begins to ask in a way that changes answers, so that no stored answer to the old way is taken for a new one."""
TOP = 20
"""The most likely tokens a server names when it cannot be asked for others: OpenAI's own limit."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 20.0
"""Seconds between the tries of one question: they double, and a random part is taken off."""
LONGEST_WAIT = 120.0
"""Seconds that a server may ask us to wait."""
MALFORMED = (openai.APIResponseValidationError, ValueError, TypeError, AttributeError, LookupError)
"""What reading an answer of another shape raises."""
STRANGE = "an answer of another shape"


class Served:
    """A vision-language model behind one or several servers, which must serve the same. Satisfies `Judge`."""

    def __init__(self, name: str, settings: ServedJudge) -> None:
        self.field = f"params.yaml: judges.{name}"
        self.settings = settings
        self.key = _key(settings, self.field)
        self.mode: Literal["exact", "top"] | None = None
        self.home, self.model = self._meet()
        self.engine = self._engine()
        needs = revision(Path(settings.needs))
        self.revision = content_key(model=self.model, engine=self.engine, needs=needs, asking=ASKING)
        self.encode = cache(self._encode)

    def _meet(self) -> tuple[OpenAI, str]:
        """The first endpoint that answers, and the name of the model there."""
        said = ""
        for url in self.settings.endpoints:
            client = OpenAI(base_url=url, api_key=self.key, timeout=self.settings.timeout, max_retries=2)
            try:
                names = [model.id for model in client.models.list()]
            except (openai.AuthenticationError, openai.PermissionDeniedError):
                raise _locked(self.field) from None
            except (openai.APIError, *MALFORMED) as error:
                said = said or f"{self.field}.endpoints: {url}: {_brief(error)}"
                continue
            wanted = self.settings.model or (names[0] if len(names) == 1 else None)
            if wanted not in names:
                raise JudgeError(f"{self.field}.model: {self.settings.model!r} is not served at {url}; choose one of {', '.join(names)}")
            return client, wanted
        raise JudgeError(f"{said}; start the server, or correct the address")

    def _engine(self) -> str:
        found = self._beside("get", "version")
        return f"vllm {found['version']}" if found and "version" in found else f"server {urlsplit(str(self.home.base_url)).hostname}"

    def _beside(self, verb: Literal["get", "post"], path: str, **body: object) -> dict[str, Any] | None:
        """What a server says outside OpenAI's protocol, as vLLM does; None from a server that does not."""
        root = str(self.home.base_url).rstrip("/").removesuffix("/v1")
        try:
            call = getattr(self.home, verb)
            found = call(f"{root}/{path}", cast_to=object, **({"body": body} if body else {}))
        except (openai.APIError, *MALFORMED):
            return None
        return found if isinstance(found, dict) else None

    def _encode(self, text: str) -> list[int] | None:
        """Token ids of a text by the server's own tokenizer; None from a server that does not tell."""
        found = self._beside("post", "tokenize", model=self.model, prompt=text, add_special_tokens=False)
        return list(found["tokens"]) if found and isinstance(found.get("tokens"), list) else None

    def ask(self, questions: Sequence[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
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

    async def _answers(self, questions: Sequence[Question], labels: Labels) -> AsyncGenerator[tuple[int, Answer | Refusal]]:
        async with AsyncExitStack() as stack:
            crew = Crew([await stack.enter_async_context(Endpoint(url, self.key, self.settings)) for url in self.settings.endpoints])
            if self.mode is None:
                self.mode = await self._settle(questions, labels, crew)
            ahead = iter(enumerate(questions))
            running: set[asyncio.Task[tuple[int, Answer | Refusal]]] = set()
            try:
                while True:
                    while len(running) < crew.room and (piece := next(ahead, None)):
                        running.add(asyncio.create_task(self._answer(*piece, labels, crew)))
                    if not running:
                        return
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        yield task.result()
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    async def _settle(self, questions: Sequence[Question], labels: Labels, crew: "Crew") -> Literal["exact", "top"]:
        """Whether the servers tell the probability of any token asked for, or only of the likeliest: the first that can be answered tells."""
        if labels.ids is None:
            return "top"
        for question in questions:
            for mode in ("exact", "top"):
                self.mode = mode
                _, said = await self._answer(0, question, labels, crew)
                if isinstance(said, Answer):
                    return mode
                if not said.final and not said.reason.endswith(STRANGE):  # a wire that fails says nothing about what the server can do
                    return "exact"
        return "exact"

    async def _answer(self, place: int, question: Question, labels: Labels, crew: "Crew") -> tuple[int, Answer | Refusal]:
        """Asks until there is an answer, the server says that there will be none, or the tries are used up."""
        assert self.mode is not None
        request = _request(self.model, question, labels, self.mode)
        said = ""
        for tries in range(self.settings.retries + 1):
            if tries:
                await asyncio.sleep(crew.wait or random.uniform(0.5, 1) * min(LONGEST_DELAY, FIRST_DELAY * 2 ** (tries - 1)))
            endpoint = await crew.turn(question.images)
            try:
                answer = _read(await endpoint.client.chat.completions.create(**request), labels, self.mode)
            except (openai.AuthenticationError, openai.PermissionDeniedError):
                endpoint.left()
                raise _locked(self.field) from None
            except (openai.APIConnectionError, openai.APIStatusError, *MALFORMED) as error:
                said = _brief(error)
                if not _passes(error):
                    endpoint.left()
                    return place, Refusal(f"the server refused the question ({said})", final=True)
                endpoint.failed(error)
                continue
            endpoint.answered()
            return place, answer
        return place, Refusal(f"no answer in {self.settings.retries + 1} tries; last: {said}")


class Endpoint:
    """One server: how many questions it may have at a time, which rises with its answers and halves when it has too much, and whether it is up."""

    def __init__(self, url: str, key: str, settings: ServedJudge) -> None:
        self.client = AsyncOpenAI(base_url=url, api_key=key, timeout=settings.timeout, max_retries=0)
        self.most = settings.concurrency
        self.limit = float(min(8, self.most))
        self.busy = self.failures = 0
        self.down_until = self.halved_at = 0.0

    async def __aenter__(self) -> "Endpoint":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    @property
    def up(self) -> bool:
        return time.monotonic() >= self.down_until

    @property
    def free(self) -> bool:
        return self.up and self.busy < int(self.limit)

    def left(self) -> None:
        """A question is over."""
        self.busy -= 1

    def answered(self) -> None:
        """A question was answered: one more at a time, after as many answers as there are at a time now."""
        self.left()
        self.failures = 0
        self.limit = min(self.most, self.limit + 1 / self.limit)

    def failed(self, error: Exception) -> None:
        """A question was not answered. Too many questions or no time: half as many from now on; no connection: none for a while."""
        self.left()
        now = time.monotonic()
        if isinstance(error, openai.RateLimitError | openai.APITimeoutError):
            if now - self.halved_at > 1:  # the others that are under way will say the same
                self.limit, self.halved_at = max(1.0, self.limit / 2), now
            self.down_until = max(self.down_until, now + _asked_to_wait(error))
        elif isinstance(error, openai.APIConnectionError) and now >= self.down_until:  # one failure for all that are under way
            self.failures += 1
            if self.failures > 1:
                self.down_until = now + min(30.0, 0.25 * 2 ** (self.failures - 2))


class Crew:
    """The endpoints together."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.endpoints = endpoints

    @property
    def room(self) -> int:
        """Questions that may be under way."""
        return max(1, sum(int(each.limit) for each in self.endpoints if each.up))

    @property
    def wait(self) -> float:
        """Seconds until an endpoint may be asked; 0 when one may be asked now."""
        return 0.0 if any(each.up for each in self.endpoints) else max(0.0, min(e.down_until for e in self.endpoints) - time.monotonic())

    async def turn(self, images: Sequence[bytes]) -> Endpoint:
        """An endpoint that has room. Questions about a picture go to the same one, which has computed their beginning, unless it is full."""
        favourite = self.endpoints[hash(images) % len(self.endpoints)]
        while True:
            free = [each for each in self.endpoints if each.free]
            if free:
                chosen = favourite if favourite in free else min(free, key=lambda each: each.busy / each.limit)
                chosen.busy += 1
                return chosen
            await asyncio.sleep(self.wait or 0.005)


def _request(model: str, question: Question, labels: Labels, mode: Literal["exact", "top"]) -> dict[str, Any]:
    shown = [
        {"type": "image_url", "image_url": {"url": f"data:{_kind(file)};base64,{b64encode(file).decode()}"}} for file in question.images
    ]
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": [*shown, {"type": "text", "text": question.text}]}],
        "max_completion_tokens": 1,
        "temperature": 0,
        "logprobs": True,
    }
    if mode == "exact":
        assert labels.ids is not None
        ids = [token for spellings in labels.ids for token in spellings]
        return body | {
            "extra_body": {
                "logprob_token_ids": ids,
                "return_tokens_as_token_ids": True,
                "chat_template_kwargs": {"enable_thinking": False},  # a template that does not think does not look at it
            }
        }
    return body | {"top_logprobs": TOP}


def _kind(file: bytes) -> str:
    if file.startswith(b"\xff\xd8"):
        return "image/jpeg"
    return "image/webp" if file[8:12] == b"WEBP" else "image/png"


def _read(completion: Any, labels: Labels, mode: Literal["exact", "top"]) -> Answer:
    """The answer in a completion. Raises one of MALFORMED when it is not in there, whole."""
    (first, *_) = completion.choices[0].logprobs.content
    named = {str(each.token): float(each.logprob) for each in first.top_logprobs}
    if any(logprob != logprob or logprob > 1e-3 for logprob in named.values()):
        raise ValueError("a log-probability is no number ≤ 0")
    if mode == "exact":
        assert labels.ids is not None
        grades = [[named[f"token_id:{token}"] for token in spellings] for spellings in labels.ids]
    else:
        wanted = [grade.strip().casefold() for grade in labels.grades]
        grades = [[logprob for token, logprob in named.items() if token.strip().casefold() == grade] for grade in wanted]
    usage = completion.usage
    details = getattr(usage, "prompt_tokens_details", None)
    return Answer(tuple(map(_sum, grades)), mode, getattr(usage, "prompt_tokens", None), getattr(details, "cached_tokens", None))


def _sum(logprobs: Sequence[float]) -> float:
    """The logarithm of the sum of probabilities."""
    most = max(logprobs, default=-inf)
    return most if most == -inf else min(0.0, most + log(sum(exp(each - most) for each in logprobs)))


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
    return STRANGE


def _asked_to_wait(error: Exception) -> float:
    """Seconds a server asks us to wait, 0 if it does not."""
    if not isinstance(error, openai.APIStatusError):
        return 0.0
    try:
        return min(LONGEST_WAIT, max(0.0, float(error.response.headers.get("retry-after", 0))))
    except ValueError:
        return 0.0


def _key(settings: ServedJudge, field: str) -> str:
    if settings.key is None:
        return "none"
    if not (key := os.environ.get(settings.key)):
        raise JudgeError(f"{field}.key: the environment has no {settings.key}; set it to the server's key")
    return key


def _locked(field: str) -> JudgeError:
    return JudgeError(f"{field}.key: the server does not accept the key; name the environment variable that holds the right one")
