"""Scales: the grades a judge chooses from, and how its probabilities of them become a number."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Grades from worst to best; the best is worth 1, the worst 0, and those between them are evenly apart (Eq. 2)."""

    grades: tuple[str, ...]
    words: tuple[tuple[str, ...], ...] | None = (
        None  # the tokens that mean each grade; None: the grade in any case, with or without a space
    )
    top: int | None = None  # only so many of the likeliest tokens count; None: all
    epsilon: float = 0.0  # added to the sum of probabilities that S is divided by
    decimals: int | None = None  # S is rounded to so many

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
"""The scales that have a name: the paper's, ITU-T P.910's absolute category rating, digits, and what the paper's released scripts compute."""


def scale(named: object) -> Scale:
    """The scale of a name, or of a list of grades from worst to best. Raises ValueError."""
    if isinstance(named, str) and named in SCALES:
        return SCALES[named]
    if isinstance(named, list) and all(isinstance(grade, str) for grade in named):
        return Scale(tuple(named))
    raise ValueError(f"{named!r} is no scale; choose one of {', '.join(SCALES)}, or list grades, worst to best (digits in quotes)")
