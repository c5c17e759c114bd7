"""A judge for tests that answers at once, deterministic to the byte."""

from collections.abc import Iterable, Iterator, MutableSequence

import numpy as np

from trig.protocols.judge import Answer, Labels, Question
from trig.protocols.refusal import Refusal


class Glib:
    """Fake judge: grade probabilities seeded by the question's bytes. Records the questions. Satisfies `Judge`."""

    revision, engine = "glib 1", "none"
    dtype: str | None = None

    def __init__(self) -> None:
        self.asked: MutableSequence[Question] = []

    def encode(self, text: str) -> list[int]:
        return [sum(text.strip().casefold().encode())]

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        for index, question in enumerate(questions):
            self.asked.append(question)
            dice = np.random.default_rng(list(b"".join(question.images)[-40:] + question.text.encode()))
            yield index, Answer(tuple(np.log(dice.dirichlet(np.ones(len(labels.grades)))).tolist()))
