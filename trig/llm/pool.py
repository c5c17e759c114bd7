"""Jobs for the endpoints of one entry: answered all at once, in constant memory, each retried until it has an answer or a reason."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Generic, TypeVar

import openai
from openai import AsyncOpenAI

from trig.llm.clients import MALFORMED, Access, brief, passes, spent
from trig.llm.endpoints import Crew, Endpoint, Job, Queue, delay
from trig.protocols.refusal import Refusal
from trig.protocols.unanswered import Unanswered

Said = TypeVar("Said")


class Pool(Generic[Job, Said]):
    """All endpoints of an entry. `answer` settles one job by calls of `persistently`."""

    def __init__(self, access: Access, answer: Callable[[Job, Crew], Awaitable[Said | Refusal]]) -> None:
        self.access, self.answer = access, answer

    def ask(self, jobs: Iterable[Job], prefix: Callable[[Job], Hashable]) -> Iterator[tuple[int, Said | Refusal]]:
        """Yields (index, answer) as they complete; jobs are consumed lazily and not retained. `prefix`: as for a Queue."""
        with asyncio.Runner() as runner:
            answers = self._answers(Queue(jobs, prefix))

            async def following() -> tuple[int, Said | Refusal] | None:
                return await anext(answers, None)

            try:
                while said := runner.run(following()):
                    yield said
            finally:
                runner.run(answers.aclose())

    async def _answers(self, queue: Queue[Job]) -> AsyncGenerator[tuple[int, Said | Refusal]]:
        async with AsyncExitStack() as stack:
            crew = Crew([await stack.enter_async_context(Endpoint(url, self.access)) for url in self.access.urls])
            running: set[asyncio.Task[tuple[int, Said | Refusal]]] = set()
            try:
                while True:
                    while len(running) < crew.room and (piece := queue.next()):
                        running.add(asyncio.create_task(self._placed(*piece, crew)))
                    if not running:
                        return
                    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        index, said = task.result()
                        running.remove(task)
                        queue.answered(index)
                        yield index, said
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    async def _placed(self, index: int, job: Job, crew: Crew) -> tuple[int, Said | Refusal]:
        return index, await self.answer(job, crew)


async def persistently(
    crew: Crew,
    access: Access,
    images: Sequence[bytes],
    once: Callable[[AsyncOpenAI], Awaitable[Said | Refusal]],
    refused: Callable[[Exception], None],
) -> Said | Refusal:
    """Retry until answered, refused or out of retries. `images` decide which endpoint is preferred.

    `refused` raises for errors of the account, which no other job would escape.
    """
    said, endpoint = "", None
    for tries in range(access.retries + 1):
        if tries:
            await asyncio.sleep(crew.wait or delay(tries - 1))
        endpoint = await crew.turn(images, endpoint)
        try:
            answer = await once(endpoint.client)
        except (openai.APIConnectionError, openai.APIStatusError, *MALFORMED) as error:
            said = brief(error)
            if spent(error, access) or not passes(error):
                endpoint.left()
                refused(error)
                return Refusal(f"the server refused the question ({said})")
            endpoint.failed(error)
            continue
        endpoint.answered()
        return answer
    return Unanswered(f"no answer in {access.retries + 1} tries; last: {said}")
