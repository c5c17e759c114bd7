"""TRIGScore: from the first answer token's distribution to a number (arXiv 2507.22100, Eq. 1 to 3)."""

from dataclasses import dataclass
from math import exp, fsum, isfinite

from trig.protocols import Answer, Refusal


@dataclass(frozen=True, slots=True)
class Rating:
    """What one judge call yields. When it is not scored, `reason` says why and everything else is None."""

    p: tuple[float, ...] | None = None  # of each grade, worst to best; sums to 1 (Eq. 1)
    expected: float | None = None  # S = Σ s(t)·p(t), s from 0 for the worst to 1 for the best grade (Eq. 2)
    confidence: float | None = None  # C = max p
    score_trig: float | None = None  # C·S (Eq. 3); not monotone in quality: an even Medium/Good split gives less than a sure Medium
    off_mass: float | None = None  # probability outside all grades, 0 to 1
    reason: str | None = None


def rate(answer: Answer | Refusal, max_off_mass: float) -> Rating:
    """The rating an answer gives. A judge that mostly answers with something else than a grade is not scored."""
    if isinstance(answer, Refusal):
        return Rating(reason=answer.reason)
    if any(logprob != logprob or logprob > 1e-6 for logprob in answer.logprobs) or not any(map(isfinite, answer.logprobs)):
        return Rating(reason="the judge's log-probabilities are not numbers ≤ 0")
    mass = [exp(logprob) for logprob in answer.logprobs]
    total = fsum(mass)
    off_mass = min(1.0, max(0.0, 1 - total))
    if off_mass > max_off_mass:
        return Rating(off_mass=off_mass, reason=f"{off_mass:.0%} of the answer's probability is on no grade")
    p = tuple(share / total for share in mass)
    expected = fsum(place * share for place, share in enumerate(p)) / (len(p) - 1)
    return Rating(p, expected, max(p), max(p) * expected, off_mass)
