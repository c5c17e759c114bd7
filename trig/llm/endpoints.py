"""Load balancing over endpoints: adaptive concurrency, circuit breaker, exponential backoff."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

import openai
from openai import AsyncOpenAI

from trig.llm.clients import Access, client

Job = TypeVar("Job")
PATIENCE = 4
"""Consecutive failures of a reachable endpoint before its circuit opens."""
FIRST_REST, LONGEST_REST, SHORT_REST = 0.25, 30.0, 5.0
"""Seconds a circuit stays open: at first; at most if unreachable; at most if failing."""
LONGEST_WAIT = 120.0
"""Cap on Retry-After in seconds."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 20.0
"""Exponential backoff between retries, in seconds: first and longest delay."""


class Endpoint:
    """A server with a circuit breaker and an AIMD concurrency limit: slow start (+1 per answer), halved on overload, then +1 per `limit` answers."""

    def __init__(self, url: str, access: Access) -> None:
        self.client = client(AsyncOpenAI, url, access)
        self.most = access.concurrency
        self.alone = len(access.urls) == 1  # no failover
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
        """Release a slot."""
        self.busy -= 1

    def answered(self) -> None:
        """Release a slot and raise the concurrency limit."""
        self.left()
        self.failures = 0
        self.limit = min(self.most, self.limit + (1 if self.eager else 1 / self.limit))

    def failed(self, error: Exception) -> None:
        """Release a slot; halve the limit on overload (429, timeout), open the circuit on repeated failure, honour Retry-After."""
        self.left()
        now = time.monotonic()
        if (
            isinstance(error, openai.RateLimitError | openai.APITimeoutError) and now - self.halved_at > 1
        ):  # requests in flight will fail alike
            self.limit, self.halved_at, self.eager = max(1.0, self.limit / 2), now, False
        if not isinstance(error, openai.RateLimitError) and now >= self.down_until:  # requests in flight count as one failure
            self.failures += 1
            unreachable = isinstance(error, openai.APIConnectionError) and not isinstance(error, openai.APITimeoutError)
            beyond = self.failures - (1 if unreachable else PATIENCE)
            if beyond > 0 and (unreachable or not self.alone):
                self.down_until = now + min(LONGEST_REST if unreachable else SHORT_REST, FIRST_REST * 2 ** (beyond - 1))
        self.down_until = max(self.down_until, now + asked_to_wait(error))


class Crew:
    """The pool of endpoints."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.endpoints = endpoints

    @property
    def room(self) -> int:
        """Total concurrency limit of the endpoints that are up, at least 1."""
        return max(1, sum(int(each.limit) for each in self.endpoints if each.up))

    @property
    def wait(self) -> float:
        """Seconds until an endpoint is up; 0 if one is."""
        return 0.0 if any(each.up for each in self.endpoints) else max(0.0, min(e.down_until for e in self.endpoints) - time.monotonic())

    async def turn(self, images: Sequence[bytes], avoided: Endpoint | None = None) -> Endpoint:
        """Acquire a slot, with image affinity for prefix-cache hits unless that endpoint is full; `avoided` only when no other is up."""
        favourite = self.endpoints[hash(images) % len(self.endpoints)] if images else None
        while True:
            others = [each for each in self.endpoints if each is not avoided and each.up]
            free = [each for each in others or self.endpoints if each.free]
            if free:
                chosen = favourite if favourite in free else min(free, key=lambda each: each.busy / each.limit)
                chosen.busy += 1
                return chosen
            await asyncio.sleep(self.wait or 0.005)


class Queue(Generic[Job]):
    """FIFO queue; jobs that share a prefix wait for the first of them, so that the server's prefix cache is warm."""

    def __init__(self, jobs: Iterable[Job], prefix: Callable[[Job], Hashable]) -> None:
        """`prefix`: what a job shares with those that wait for it; None where it waits for none."""
        self.ahead = iter(enumerate(jobs))
        self.prefix = prefix
        self.ready: deque[tuple[int, Job]] = deque()
        self.behind: dict[Hashable, list[tuple[int, Job]]] = {}
        self.first: dict[int, Hashable] = {}

    def next(self) -> tuple[int, Job] | None:
        """Index and job to send next; None if none is ready."""
        if self.ready:
            return self.ready.popleft()
        for index, job in self.ahead:
            shared = self.prefix(job)
            if shared is None:
                return index, job
            if shared not in self.behind:
                self.behind[shared], self.first[index] = [], shared
                return index, job
            self.behind[shared].append((index, job))
        return None

    def answered(self, index: int) -> None:
        """Release the jobs that waited for this one."""
        if shared := self.first.pop(index, None):
            self.ready.extend(self.behind.pop(shared))


def asked_to_wait(error: Exception) -> float:
    """Retry-After in seconds, given as a number or HTTP date, capped at LONGEST_WAIT; 0 without the header."""
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
    """Exponential backoff with jitter: seconds to wait after try `number`, counted from 0."""
    seconds: float = min(LONGEST_DELAY, FIRST_DELAY * 2**number)
    return random.uniform(0.5, 1) * seconds
