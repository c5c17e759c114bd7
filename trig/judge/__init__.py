"""Judges pictures: one grade per picture and dimension, read off the judge's own probabilities."""

from collections.abc import Sequence

from trig.judge.byhand import Judge
from trig.judge.labels import labels
from trig.judge.rating import Rating, rate
from trig.judge.rubrics import rubric, rubrics
from trig.judge.samples import Sample
from trig.protocols import Judge as Backend
from trig.protocols import Question
from trig.scales import Scale

__all__ = ["Judge", "Rating", "Sample", "labels", "rate", "ratings", "rubric", "rubrics"]


def ratings(judge: Backend, questions: Sequence[Question], scale: Scale, max_off_mass: float) -> list[Rating]:
    """The rating of each question, in order; what has no score has a reason.

    `max_off_mass`, 0 to 1, is the most probability outside all grades that still gives a score.
    """
    said = dict(judge.ask(questions, labels(scale, judge.encode)))
    return [rate(said[place], max_off_mass, scale) for place in range(len(questions))]
