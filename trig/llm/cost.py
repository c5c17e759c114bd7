"""Dry run: how many questions would be sent, and their estimated tokens and cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from trig.params.serving import Price

CHARACTERS, PIXELS = 4, 28**2
"""Fallback estimates per token: characters of text, pixels of a picture."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Distinct questions of a run by cache key, each in one of three states."""

    known: frozenset[str]  # cache hits
    refused: frozenset[str]  # final refusals
    asked: Mapping[str, int]  # cache misses → estimated prompt tokens

    @property
    def calls(self) -> int:
        """Number of distinct questions."""
        return len(self.known) + len(self.refused) + len(self.asked)

    @property
    def tokens(self) -> int:
        """Estimated prompt tokens of the cache misses, without the chat template's."""
        return sum(self.asked.values())

    def usd(self, price: Price | None, answers: int) -> float | None:
        """Cost of the cache misses in US dollars without retries, each answer `answers` tokens long; None without a price."""
        return None if price is None else (self.tokens * price.prompt + len(self.asked) * answers * price.completion) / 1e6

    def figures(self, usd: float | None) -> dict[str, object]:
        """Counts and cost, for JSON."""
        counts = {"calls": self.calls, "known": len(self.known), "refused": len(self.refused), "to_ask": len(self.asked)}
        return {**counts, "prompt_tokens": self.tokens, "usd": usd}


def length(
    text: str,
    sizes: Sequence[tuple[int, int] | None],
    words: Callable[[str], int | None] = lambda _: None,
    shown: Callable[[int, int], int] | None = None,
) -> int:
    """Estimated prompt tokens of a question with pictures of these sizes, without the chat template's.

    `words` counts the tokens of a text, None without a tokenizer; `shown` those of a picture by width and height in pixels, None where
    unknown. Unreadable pictures count 0: they are refused.
    """
    said = words(text)
    pictures = (shown(*size) if shown else ceil(size[0] * size[1] / PIXELS) for size in sizes if size is not None)
    return (ceil(len(text) / CHARACTERS) if said is None else said) + sum(pictures)
