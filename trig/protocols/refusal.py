"""The answer of a model that gives none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no picture, or no answer."""

    reason: str
    final: bool = False  # asking again would bring the same
