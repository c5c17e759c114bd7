"""Canary questions: a few fixed questions whose answers show whether a judge is still the one that its stored answers are of."""

import json
import time
from collections.abc import Sequence
from functools import cache
from math import exp, sqrt

from PIL import Image, ImageDraw

from trig.errors import JudgeError
from trig.judge.rubrics import rubrics
from trig.keys import content_key
from trig.params.judge import Judging
from trig.pictures import png
from trig.protocols.judge import Answer, Judge, Labels, Question
from trig.protocols.refusal import Refusal
from trig.store import Store
from trig.tables.sources import digest
from trig.vocabulary.dimensions import Dimension, Task

CANARIES = "canaries"
"""Shelf of the work store: the first answers of each judge."""
EVERY_SECONDS = 600.0
"""Time between checks in a long run."""
WINDOW = 4
"""A run is interrupted for a check after a multiple of so many batches only, as judges sort so many together: a check changes no batch."""
LEAST, TIMES = 0.02, 3.0
"""What a grade's probability may move: the larger of a least one, and so many times the noise floor."""
SIGMAS = 4.0
"""The same for sampled answers, in standard errors of the difference of two shares."""
DIGITS = 5
"""Decimals of the noise floor that are told: further ones are of the processor."""
ABOUT = (
    (Dimension.CONTENT, (64, 64), "a red ball in a meadow"),
    (Dimension.RELATION, (96, 64), "a blue box to the left of a yellow ball"),
    (Dimension.STYLE, (64, 96), "a pencil sketch of a green house"),
    (Dimension.AESTHETICS, (80, 80), "two orange boxes at night"),
)
"""Dimension, width and height, and prompt of each canary question."""


AGAIN = 4
"""Stored answers that are asked for again where no check came after them."""


class MovedError(JudgeError):
    """The judge answers the canary questions otherwise than before."""


class Canary:
    """Canary questions of a judge, with its first answers in the store. Grade probabilities, so a check sees what a score would."""

    def __init__(self, judge: Judge, store: Store, settings: Judging) -> None:
        self._judge, self._store, self._settings = judge, store, settings
        self._questions = questions(settings.scale.grades)
        about = [[digest(question.image), question.text] for question in self._questions]
        self._key = content_key(canaries=about, scale=settings.scale, judge=judge.revision)
        self._checked_at = time.monotonic()
        store.touch(CANARIES, [self._key])

    @property
    def noise(self) -> float | None:
        """Largest difference of a grade's probability between equal questions in other batches; None before the first check."""
        found = self._store.get(CANARIES, [self._key])
        return round(float(json.loads(found[self._key])["noise"]), DIGITS) if found else None

    def due(self, asked: int) -> bool:
        """Whether a run should be interrupted for a check after so many questions."""
        return asked % (WINDOW * self._settings.batch_size) == 0 and time.monotonic() - self._checked_at > EVERY_SECONDS

    def check(self, ids: Labels) -> None:
        """Compares with the first answers; the first time, asks twice and keeps them. Raises MovedError, or JudgeError without any answer."""
        together = self._ask(self._questions, ids)
        stored = self._store.get(CANARIES, [self._key])
        if self._key in stored:
            self._compare(json.loads(stored[self._key]), together)
        else:
            alone = [each for question in self._questions for each in self._ask([question], ids)]
            kept = {"p": together, "noise": _furthest(together, alone)}
            self._store.put(CANARIES, {self._key: json.dumps(kept).encode()})
        self._checked_at = time.monotonic()

    def confirm(self, kept: Sequence[Answer], again: Sequence[Answer | Refusal]) -> None:
        """Compares stored answers that no check came after with those to the same questions now. Raises MovedError."""
        moved = _furthest([_shares(each) for each in kept], [_shares(each) for each in again])
        if moved > (allowed := self._allowed(self.noise or 0.0)):
            raise MovedError(
                f"params.yaml: judges.{self._settings.name}: it does not answer as it did in a run that was stopped: of {len(kept)} answers of that"
                f" run one moved by {moved:.2f}, and {allowed:.2f} is noise; what was answered since its last check is dropped. Run again, which"
                f" asks that anew, or let what it `needs` name the new one (in process: judge.engine_in_key)"
            )

    def _allowed(self, noise: float) -> float:
        """What a probability may move."""
        sampled = SIGMAS * sqrt(0.5 / self._settings.samples) if self._settings.mode == "sampled" else 0.0
        return max(LEAST, TIMES * noise, sampled)

    def _compare(self, first: dict[str, list[list[float]] | float], now: list[list[float] | None]) -> None:
        settings, noise, p = self._settings, first["noise"], first["p"]
        assert isinstance(noise, float | int) and isinstance(p, list)
        if (moved := _furthest(p, now)) > (allowed := self._allowed(noise)):
            raise MovedError(
                f"params.yaml: judges.{settings.name}: it does not answer as it did when its first answers were kept: of {len(now)} canary"
                f" questions one moved by {moved:.2f}, and {allowed:.2f} is noise; what was answered since the last check is dropped. Bring"
                f" the former model and version back and run again, or let what it `needs` name the new one (in process: judge.engine_in_key)"
            )

    def _ask(self, asked: Sequence[Question], ids: Labels) -> list[list[float] | None]:
        """Probabilities of the grades, worst to best; None where there is no answer. Raises JudgeError where there is none at all."""
        said = dict(self._judge.ask(asked, ids))
        if all(isinstance(each, Refusal) for each in said.values()):
            reason = next(each.reason for each in said.values() if isinstance(each, Refusal))
            raise JudgeError(
                f"params.yaml: judges.{self._settings.name}: no canary question has an answer ({reason}); mend that and run again"
            )
        return [_shares(said[index]) for index in range(len(asked))]


def _shares(answer: Answer | Refusal) -> list[float] | None:
    return [exp(logprob) for logprob in answer.logprobs] if isinstance(answer, Answer) else None


def _furthest(one: Sequence[Sequence[float] | None], other: Sequence[Sequence[float] | None]) -> float:
    """Largest difference of a probability among questions that both have answered."""
    both = ((a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None)
    return max((abs(x - y) for a, b in both for x, y in zip(a, b, strict=True)), default=0.0)


@cache
def questions(grades: tuple[str, ...]) -> tuple[Question, ...]:
    """The canary questions on a scale. The pictures are drawn, not read, and have nothing of a benchmark."""
    texts = rubrics("brief", Task.T2I, grades)
    return tuple(Question(png(_drawn(number, *size)), prompt, texts[dimension]) for number, (dimension, size, prompt) in enumerate(ABOUT))


def _drawn(number: int, width: int, height: int) -> Image.Image:
    """A coloured thing or two before a plain background."""
    picture = Image.new("RGB", (width, height), ("#7fbf5f", "#d8d0c0", "#f4f4f4", "#202840")[number])
    draw, colour = ImageDraw.Draw(picture), ("#d02020", "#2040d0", "#308040", "#e08020")[number]
    draw.ellipse((width // 8, height // 4, width // 8 + 24, height // 4 + 24), fill=colour)
    draw.rectangle((width // 2, height // 2, width // 2 + 20, height // 2 + 20), fill=("#e0d030", colour)[number % 2])
    return picture
