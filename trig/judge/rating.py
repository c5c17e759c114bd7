"""TRIGScore: from the first answer token's distribution to a number (arXiv 2507.22100, Eq. 1 to 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, fsum, sqrt

from trig.judge.labels import labels
from trig.protocols.judge import Answer, Judge, Question
from trig.protocols.refusal import Refusal
from trig.scales import Scale


@dataclass(frozen=True, slots=True)
class Rating:
    """What one judge call yields. When it is not scored, `reason` says why, and of the numbers only the evidence is there: `off_mass` and `p`."""

    p: tuple[float, ...] | None = None  # of each grade, worst to best; sums to 1 (Eq. 1)
    expected: float | None = None  # S = Σ s(t)·p(t), s from 0 for the worst to 1 for the best grade (Eq. 2)
    stderr: float | None = None  # standard error of S where p is counted from sampled answers; None where it is read from probabilities
    confidence: float | None = None  # C = max p
    score_trig: float | None = None  # C·S (Eq. 3); not monotone in quality: an even Medium/Good split gives less than a sure Medium
    off_mass: float | None = None  # probability outside all grades, 0 to 1
    reason: str | None = None


def rate(answer: Answer | Refusal, max_off_mass: float, scale: Scale) -> Rating:
    """The rating an answer gives. A judge that mostly answers with something else than a grade is not scored."""
    if isinstance(answer, Refusal):
        return Rating(reason=answer.reason)
    if any(logprob != logprob or logprob > 1e-6 for logprob in answer.logprobs):
        return Rating(reason="the judge's log-probabilities are not numbers ≤ 0")
    mass = [exp(logprob) for logprob in answer.logprobs]
    total = fsum(mass)
    off_mass = min(1.0, max(0.0, 1 - total))
    if not total:
        return Rating(off_mass=off_mass, reason="none of the answer's probability is on a grade")
    p = tuple(share / total for share in mass)
    if off_mass > max_off_mass and scale.top is None:  # where few tokens count, most of the mass may be outside
        return Rating(p, off_mass=off_mass, reason=f"more than {max_off_mass:.0%} of the answer's probability is on no grade")
    worth = [place / (len(p) - 1) for place in range(len(p))]
    expected = fsum(each * share for each, share in zip(worth, mass, strict=True)) / (total + scale.epsilon)
    stderr = None
    if answer.samples is not None:
        graded = round(total * answer.samples)
        spread = fsum(share * (each - expected) ** 2 for each, share in zip(worth, p, strict=True))
        stderr = sqrt(spread / (graded - 1)) if graded > 1 else None  # the variance of the sample, n / (n - 1) times the spread, over n
    if scale.decimals is not None:
        expected = round(expected, scale.decimals)
    return Rating(p, expected, stderr, max(p), max(p) * expected, off_mass)


def ratings(judge: Judge, questions: Sequence[Question], scale: Scale, max_off_mass: float) -> list[Rating]:
    """The rating of each question, in order; what has no score has a reason.

    `max_off_mass`, 0 to 1, is the most probability outside all grades that still gives a score.
    """
    said = dict(judge.ask(questions, labels(scale, judge.encode)))
    return [rate(said[place], max_off_mass, scale) for place in range(len(questions))]
