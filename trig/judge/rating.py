"""TRIGScore from the first answer token's probabilities (arXiv 2507.22100, Eq. 1 to 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, fsum, sqrt

from trig.judge.labels import labels
from trig.protocols.judge import Answer, Judge, Question
from trig.protocols.refusal import Refusal
from trig.scales import Scale


@dataclass(frozen=True, slots=True)
class Rating:
    """Score of one answer. Unscored: `reason` says why, and only `off_mass` and `p` may be set."""

    p: tuple[float, ...] | None = None  # softmax over the grades, worst to best; sums to 1 (Eq. 1)
    expected: float | None = None  # S = Σ s(t)·p(t), s from 0 for the worst to 1 for the best grade (Eq. 2)
    stderr: float | None = None  # standard error of S for sampled answers; None where probabilities are read
    confidence: float | None = None  # C = max p
    score_trig: float | None = None  # C·S (Eq. 3); not monotone in quality: an even Medium/Good split scores below a certain Medium
    off_mass: float | None = None  # probability outside all grades, 0 to 1
    reason: str | None = None


def rate(answer: Answer | Refusal, max_off_mass: float, scale: Scale) -> Rating:
    """TRIGScore of an answer. No score when more than `max_off_mass` of the probability is off-grade."""
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
    if off_mass > max_off_mass and scale.top is None:  # top-k truncation: most of the mass may be outside
        return Rating(p, off_mass=off_mass, reason=f"more than {max_off_mass:.0%} of the answer's probability is on no grade")
    worth = [index / (len(p) - 1) for index in range(len(p))]
    expected = fsum(each * share for each, share in zip(worth, mass, strict=True)) / (total + scale.epsilon)
    stderr = None
    if answer.samples is not None:
        graded = round(total * answer.samples)
        spread = fsum(share * (each - expected) ** 2 for each, share in zip(worth, p, strict=True))
        stderr = sqrt(spread / (graded - 1)) if graded > 1 else None  # standard error of the mean, with Bessel's correction
    if scale.decimals is not None:
        expected = round(expected, scale.decimals)
    return Rating(p, expected, stderr, max(p), max(p) * expected, off_mass)


def ratings(judge: Judge, questions: Sequence[Question], scale: Scale, max_off_mass: float) -> list[Rating]:
    """Rating of each question, in order; unscored ones have a reason.

    `max_off_mass`, 0 to 1, is the highest off-grade probability that is still scored.
    """
    said = dict(judge.ask(questions, labels(scale, judge.encode)))
    return [rate(said[index], max_off_mass, scale) for index in range(len(questions))]
