"""Workers on any number of devices: hands out batches, replaces workers that are lost, and sees to it that every batch ends."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from trig.backends.executors.desk import Facts, Recipe
from trig.errors import ExecutorError, TrigError, WeightsError
from trig.protocols.refusal import Refusal

Row = TypeVar("Row")
Result = TypeVar("Result")
DEPTH = 2
"""Batches at a worker: one under way, and one that waits while the program stores the last. Bounds memory."""
LOSSES = 6
"""Losses of a worker in succession, with nothing finished between: then it is not the rows."""
RAISED = 3
"""Exceptions in succession, with nothing computed between: then it is a bug."""
UNIMPORTED = ("ModuleNotFoundError", "ImportError")
ENDED, HUNG = "it ended its worker process", "it took longer than worker_timeout"


class Worker(Protocol):
    """A process with a `Desk`. Calls are executed in order."""

    def call(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of the desk. The future of a lost worker raises one of `Site.lost`."""
        ...

    def end(self, idle: bool = False) -> None:
        """End the process: kill it, whatever it does, or let it leave where it is idle."""
        ...


class Site(Protocol):
    """Where workers run."""

    size: int
    lost: tuple[type[Exception], ...]

    def hire(self, number: int, /) -> Worker:
        """Start the worker of a device, 0 to size - 1."""
        ...


@dataclass(eq=False, slots=True)
class Job:
    """Rows of a batch that are worked on together."""

    batch: int
    start: int  # place of the first row in its batch
    rows: Sequence[Any]
    chances: int  # losses of a worker until it is split, or given up where it is one row


@dataclass(eq=False, slots=True)
class Post:
    """A device and its worker."""

    worker: Worker
    calls: deque[tuple[Job | None, Future[Any]]]  # in the order of execution; a call without a job loads the model
    since: float = field(default_factory=time.monotonic)  # when the first of them became the first
    open: bool = False

    def hand(self, job: Job) -> None:
        """Queue a job."""
        if not self.calls:
            self.since = time.monotonic()
        self.calls.append((job, self.worker.call("work", job.rows)))


class Crew(Generic[Row, Result]):
    """Workers that have loaded the same model."""

    def __init__(self, site: Site, recipe: Recipe, section: str, timeout: float, expected: Facts | None = None) -> None:
        self.site, self.recipe, self.timeout, self.facts = site, recipe, timeout, expected
        self.section = f"params.yaml: {section}"
        self.posts: dict[int, Post] = {}
        self.losses = [0] * site.size
        self.raised = 0
        self._forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all workers."""
        self._forget()
        while self.posts:
            _, post = self.posts.popitem()
            post.worker.end(idle=not post.calls)

    def run(self, batches: Iterable[Sequence[Row]]) -> Iterator[tuple[int, list[Result | Refusal]]]:
        """Yields (index of a batch, a result per row) as batches complete. Reads at most DEPTH batches per worker ahead."""
        coming = enumerate(batches)
        done: list[tuple[int, list[Result | Refusal]]] = []
        try:
            while True:
                self._read(coming)
                self._hand_out()
                yield from done
                if not self.owed:
                    return
                done = self._collect()
        finally:
            if self.owed:
                self.close()

    def told(self) -> Facts:
        """What the model says of itself; starts a worker where there is none."""
        self._opened()
        assert self.facts
        return self.facts

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method of the model, on any worker, between runs."""
        while True:
            number, post = self._opened()
            try:
                found = post.worker.call(method, *arguments).result()
            except self.site.lost as error:
                self._lose(number, None, ENDED, str(error))
                continue
            return _sound(found)

    def _forget(self) -> None:
        self.waiting: deque[Job] = deque()
        self.owed: dict[int, list[Result | Refusal | None]] = {}

    def _read(self, coming: Iterator[tuple[int, Sequence[Row]]]) -> None:
        while len(self.owed) < DEPTH * self.site.size and (each := next(coming, None)):
            number, rows = each
            self.owed[number] = [None] * len(rows)
            self.waiting.append(Job(number, 0, rows, 2 if len(rows) > 1 else 3))

    def _hand_out(self) -> None:
        """Waiting jobs go to the worker with the least to do; workers are started as there are jobs for them."""
        jobs = len(self.waiting) + sum(len(post.calls) for post in self.posts.values() if post.open)
        for number in range(self.site.size):
            if number not in self.posts and len(self.posts) < jobs:
                self._hire(number)
        while self.waiting:
            opening = sum(not post.open for post in self.posts.values())
            ahead = DEPTH if len(self.waiting) > opening else 1  # a worker that is about to be ready finds something to do
            free = [post for post in self.posts.values() if post.open and len(post.calls) < ahead]
            if not free:
                return
            min(free, key=lambda post: len(post.calls)).hand(self.waiting.popleft())

    def _hire(self, number: int) -> None:
        worker = self.site.hire(number)
        self.posts[number] = Post(worker, deque([(None, worker.call("open", self.recipe, str(Path.cwd())))]))

    def _opened(self) -> tuple[int, Post]:
        while not (ready := [(number, post) for number, post in self.posts.items() if post.open]):
            if not self.posts:
                self._hire(0)
            self._collect()
        return ready[0]

    def _collect(self) -> list[tuple[int, list[Result | Refusal]]]:
        """Waits for a call to end, and returns the batches that are complete. A device that is not free yet is waited for while others work."""
        begun = [post for post in self.posts.values() if post.calls]
        working = [post for post in begun if post.open] or begun
        ends = min(post.since for post in working) + self.timeout
        wait([post.calls[0][1] for post in begun], max(0.0, ends - time.monotonic()), FIRST_COMPLETED)
        for number, post in list(self.posts.items()):
            while post.calls and post.calls[0][1].done():
                job, call = post.calls.popleft()
                post.since = time.monotonic()
                if not self._ended(number, post, job, call):
                    break
            if post in working and post.calls and time.monotonic() - post.since > self.timeout:
                self._hang(number, post)
        whole = [number for number, results in self.owed.items() if None not in results]
        return [(number, [each for each in self.owed.pop(number) if each is not None]) for number in whole]

    def _ended(self, number: int, post: Post, job: Job | None, call: Future[Any]) -> bool:
        """Takes what a call brought; whether its worker lives on."""
        error = call.exception()
        if isinstance(error, self.site.lost):
            self._lose(number, job, ENDED, str(error))
            return False
        if isinstance(error, ImportError) or (job is None and any(word in str(error) for word in UNIMPORTED)):
            raise self._unimported(str(error)) from error
        if error is not None:
            self.raised += 1
            if job is None or self.raised == RAISED:
                raise error
            self._lose(number, job, f"{type(error).__name__}: {_brief(str(error))}")  # some errors of GPUs stay in their process
            return False
        found = _sound(call.result())
        if job is None:
            self._agree(found)
            post.open = True
        else:
            self._take(job, found)
            if not all(isinstance(each, Refusal) and not each.final for each in found):
                self.losses[number] = self.raised = 0
        return True

    def _agree(self, facts: Facts) -> None:
        """Raises ExecutorError for a worker with other libraries, WeightsError for one with other weights."""
        self.facts = self.facts or facts
        if facts.engine != self.facts.engine:
            raise ExecutorError(
                f"{self.section}.executor: a worker runs {facts.engine}, others {self.facts.engine}; install one environment on all nodes"
            )
        if facts != self.facts:
            raise WeightsError(
                f"{self.section}.executor: the weights of a worker are not those of the others ({facts.revision} and {self.facts.revision});"
                f" bring all nodes the same"
            )

    def _hang(self, number: int, post: Post) -> None:
        job = post.calls[0][0]
        if job is not None:
            post.calls.popleft()
            self._lose(number, job, HUNG)
        else:
            raise ExecutorError(
                f"{self.section}.worker_timeout: no worker has loaded the model within {self.timeout:g} s; raise it,"
                f" or set {self.section}.devices to what is free"
            )

    def _lose(self, number: int, job: Job | None, why: str, told: str = "") -> None:
        """Ends a worker; what it had is handed out again. `told`: what the executor says of the loss."""
        post = self.posts.pop(number)
        post.worker.end()
        self.waiting.extendleft(each for each, _ in reversed(post.calls) if each)
        if any(word in told for word in UNIMPORTED):
            raise self._unimported(told)
        self.losses[number] += 1
        if self.losses[number] >= LOSSES:
            raise ExecutorError(
                f"{self.section}.devices: worker {number} of {self.site.size} was lost {LOSSES} times in succession ({_brief(told or why)}),"
                f" most likely for want of memory; lower {self.section}.batch_size or devices"
            )
        if job:
            self._again(job, why)

    def _unimported(self, why: str) -> ExecutorError:
        return ExecutorError(
            f"{self.section}.executor: a worker cannot import what it needs ({_brief(why)}); give all nodes the project and its environment at"
            f" the same path"
        )

    def _again(self, job: Job, why: str) -> None:
        """A batch is tried twice, then its rows alone; a row that ends a worker alone is refused for good."""
        job.chances -= 1
        if job.chances:
            self.waiting.appendleft(job)
        elif len(job.rows) > 1:
            alone = [Job(job.batch, job.start + index, [row], 1) for index, row in enumerate(job.rows)]
            self.waiting.extendleft(reversed(alone))
        else:
            self._take(job, [Refusal(f"computed alone, {why}")])

    def _take(self, job: Job, found: Sequence[Any]) -> None:
        if len(found) != len(job.rows):
            raise ValueError(f"{len(job.rows)} rows were handed to a worker, and {len(found)} results came back")
        self.owed[job.batch][job.start : job.start + len(found)] = found


def _sound(found: Any) -> Any:
    if isinstance(found, TrigError):
        raise found
    return found


def _brief(why: str) -> str:
    """The line of an error that says most: of a failed import that, else the first."""
    lines = [line.strip() for line in why.splitlines() if line.strip()] or ["killed"]
    return next((line for line in lines if line.startswith(UNIMPORTED)), lines[0])
