"""Servers that are asked side by side: how much each can take, and which of them are up."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterable, Sequence
from email.utils import parsedate_to_datetime

import openai
from openai import AsyncOpenAI

from trig.llm.clients import client
from trig.params.judge import ServedJudge
from trig.protocols.judge import Question

PATIENCE = 4
"""Answers in a row that are none, from a server that can be reached, before it is left alone for a while."""
FIRST_REST, LONGEST_REST, SHORT_REST = 0.25, 30.0, 5.0
"""Seconds that a server is left alone at first, and at most: one that cannot be reached, and one that answers with failures."""
LONGEST_WAIT = 120.0
"""Seconds that a server may ask us to wait."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 20.0
"""Seconds between the tries of one question: they double, and a random part is taken off."""


class Endpoint:
    """One server: how many questions it may have at a time, and whether it is up.

    The number rises by one with each answer until the server has too much for the first time. Then it halves, and again whenever it is too much, and
    rises by one with as many answers as there are at a time.
    """

    def __init__(self, url: str, key: str, settings: ServedJudge, field: str) -> None:
        self.client = client(AsyncOpenAI, url, key, settings.timeout, field)
        self.most = settings.concurrency
        self.alone = len(settings.endpoints) == 1  # nobody else could be asked instead
        self.limit, self.eager = float(min(8, self.most)), True
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
        """A question was answered: more may be asked at a time."""
        self.left()
        self.failures = 0
        self.limit = min(self.most, self.limit + (1 if self.eager else 1 / self.limit))

    def failed(self, error: Exception) -> None:
        """A question was not answered. Too many questions or no time: half as many from now on; one failure after another: none for a while."""
        self.left()
        now = time.monotonic()
        if (
            isinstance(error, openai.RateLimitError | openai.APITimeoutError) and now - self.halved_at > 1
        ):  # others under way will say the same
            self.limit, self.halved_at, self.eager = max(1.0, self.limit / 2), now, False
        if not isinstance(error, openai.RateLimitError) and now >= self.down_until:  # one failure for all that are under way
            self.failures += 1
            unreachable = isinstance(error, openai.APIConnectionError) and not isinstance(error, openai.APITimeoutError)
            beyond = self.failures - (1 if unreachable else PATIENCE)
            if beyond > 0 and (unreachable or not self.alone):
                self.down_until = now + min(LONGEST_REST if unreachable else SHORT_REST, FIRST_REST * 2 ** (beyond - 1))
        self.down_until = max(self.down_until, now + asked_to_wait(error))


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

    async def turn(self, images: Sequence[bytes], avoided: Endpoint | None = None) -> Endpoint:
        """An endpoint that has room. Questions about a picture go to the same one, which has computed their beginning, unless it is full.

        `avoided` has just failed: it is asked again only when no other is up.
        """
        favourite = self.endpoints[hash(images) % len(self.endpoints)]
        while True:
            others = [each for each in self.endpoints if each is not avoided and each.up]
            free = [each for each in others or self.endpoints if each.free]
            if free:
                chosen = favourite if favourite in free else min(free, key=lambda each: each.busy / each.limit)
                chosen.busy += 1
                return chosen
            await asyncio.sleep(self.wait or 0.005)


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


def asked_to_wait(error: Exception) -> float:
    """Seconds a server asks us to wait, which it may say as a date; 0 if it does not."""
    said = error.response.headers.get("retry-after", "0") if isinstance(error, openai.APIStatusError) else "0"
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except ValueError:
            return 0.0
    return min(LONGEST_WAIT, max(0.0, seconds))


def delay(number: int) -> float:
    """Seconds before the try after this one, numbered from 0."""
    seconds: float = min(LONGEST_DELAY, FIRST_DELAY * 2**number)
    return random.uniform(0.5, 1) * seconds
