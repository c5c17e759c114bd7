"""Image generators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trig.protocols.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Order:
    """A picture to be made."""

    prompt: str
    seed: int  # 0 ≤ seed < 2**63
    source_image: bytes | None = None  # PNG: the picture to edit (p2p) or the subject (s2p)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was made, and how much of its prompt the model read."""

    png: bytes
    prompt_tokens: int | None = None  # of the prompt, special tokens included, by the tokenizer that reads most; None without a tokenizer
    tokens_read: int | None = None  # of these: what a model cannot read it cuts off


class Generator(Protocol):
    """A model of the zoo, loaded."""

    revision: str
    """Hash of everything that decides a picture besides its order: weights, adapter, call arguments."""
    engine: str
    """The libraries that compute the pictures, and their versions."""

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """One picture per order, or why there is none. It depends on its own order only, never on its neighbours in the batch."""
        ...
