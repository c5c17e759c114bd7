"""Rating scales: the grades a judge chooses from, and how their probabilities become a score."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Ordinal grades, worst to best, mapped to equally spaced values from 0 to 1 (Eq. 2)."""

    grades: tuple[str, ...]
    words: tuple[tuple[str, ...], ...] | None = (
        None  # the tokens that mean each grade; None: the grade in any case, with or without a space
    )
    top: int | None = None  # top-k: only the k likeliest tokens count; None: all
    epsilon: float = 0.0  # added to the denominator of S
    decimals: int | None = None  # of S, rounded; None: not rounded

    def __post_init__(self) -> None:
        if len(self.grades) < 2:
            raise ValueError("a scale needs two grades or more, worst to best")
        if any(not grade.strip() for grade in self.grades):
            raise ValueError("a grade is empty; each needs a word")
        if len(set(self.grades)) < len(self.grades):
            raise ValueError("a grade is named twice; name each once, worst to best")


SCALES: Mapping[str, Scale] = {
    "paper": Scale(("Bad", "Medium", "Good")),
    "acr": Scale(("Bad", "Poor", "Fair", "Good", "Excellent")),
    "digits": Scale(tuple("12345")),
    "reference": Scale(
        ("terrible", "bad", "medium", "good", "excellent"),
        words=(("terr", "Terr"), ("bad", "Bad"), ("medium", "Medium"), ("good", "Good"), ("ex", "excellent", "Excellent")),
        top=5,
        epsilon=1e-10,
        decimals=3,
    ),
}
"""Named scales: the paper's, absolute category rating (ITU-T P.910), digits, and that of the paper's released scripts."""


def scale(named: object) -> Scale:
    """Scale by name, or from a list of grades, worst to best. Raises ValueError."""
    if isinstance(named, str) and named in SCALES:
        return SCALES[named]
    if isinstance(named, list) and all(isinstance(grade, str) for grade in named):
        return Scale(tuple(named))
    raise ValueError(f"{named!r} is no scale; choose one of {', '.join(SCALES)}, or list grades, worst to best (digits in quotes)")
