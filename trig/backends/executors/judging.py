"""Judging on several devices."""

import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from trig.backends.executors.crew import Crew, Site
from trig.backends.executors.desk import Facts, Recipe
from trig.params import Params
from trig.protocols.judge import Answer, Judge, Labels, Question
from trig.protocols.refusal import Refusal

Asked = tuple[Question, Labels]


class JudgeTool:
    """A judge in a worker. Satisfies `Tool`."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.facts = Facts(judge.revision, judge.engine, judge.dtype)

    def work(self, rows: Sequence[Asked]) -> list[Answer | Refusal]:
        """Answers in the order of the questions."""
        answers = dict(self.judge.ask((question for question, _ in rows), rows[0][1]))
        return [answers[index] for index in range(len(rows))]

    def encode(self, text: str) -> list[int] | None:
        """Token ids of a text."""
        return self.judge.encode(text)


@dataclass(frozen=True, slots=True)
class Judging:
    """The judge of a run. Satisfies `Recipe`."""

    settings: Params
    batch_size: int

    def load(self) -> JudgeTool:
        """Load it in this process."""
        from trig.backends import judges

        here = self.settings.judge.model_copy(update={"executor": "local", "devices": None})
        return JudgeTool(judges.load(self.settings.model_copy(update={"judge": here}), self.batch_size))


class Spread:
    """A judge in several workers, which stay for the life of this object. Satisfies `Judge`."""

    def __init__(self, site: Site, recipe: Recipe, timeout: float, window: int) -> None:
        """`window`: questions that one worker gets together. It must be what the judge forms its batches from, so that batches, and the last
        bits of answers, are those of one process.
        """
        self.window = window
        self.crew: Crew[Asked, Answer] = Crew(site, recipe, "judge", timeout)
        weakref.finalize(self, self.crew.close)
        told = self.crew.told()
        self.revision, self.engine, self.dtype = told.revision, told.engine, told.dtype

    def encode(self, text: str) -> list[int] | None:
        """Token ids of a text; None if the tokenizer is unavailable."""
        found: list[int] | None = self.crew.ask("encode", text)
        return found

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        """Yields answers as windows complete."""
        coming = iter(questions)
        windows = iter(lambda: [(question, labels) for question in islice(coming, self.window)], [])
        for number, answers in self.crew.run(windows):
            yield from enumerate(answers, number * self.window)
