"""Interface of image generators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trig.protocols.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Order:
    """An image generation request."""

    prompt: str
    seed: int  # 0 ≤ seed < 2**63
    source_image: bytes | None = None  # PNG: the image to edit (p2p) or the subject (s2p)


@dataclass(frozen=True, slots=True)
class Picture:
    """A generated image, and how much of its prompt survived truncation."""

    png: bytes
    prompt_tokens: int | None = None  # prompt length, special tokens included, by the tokenizer with the longest limit; None without one
    tokens_read: int | None = None  # of these, after truncation


class Generator(Protocol):
    """A loaded image generator."""

    revision: str
    """Hash of everything besides the order that decides an image: weights, adapter, call arguments."""
    engine: str
    """Compute libraries and their versions."""

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """An image or Refusal per order, a function of that order only; up to rounding, which may differ with the size of the batch.

        Raises WeightsError for a source image that the model cannot use.
        """
        ...
