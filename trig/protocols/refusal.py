"""A missing result, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no image or answer."""

    reason: str
    final: bool = False  # not worth a retry
