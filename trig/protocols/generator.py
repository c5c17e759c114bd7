"""Interface of image generators, and of what runs them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from trig.protocols.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Order:
    """An image generation request."""

    prompt: str
    seed: int  # 0 ≤ seed < 2**63
    source_image: bytes | None = None  # PNG: the image to edit (p2p) or the subject (s2p)
    row: "Row | None" = None  # which row of the images table it is for; None outside the pipeline
    spare: bool = False  # nothing is kept of it: it only fills the batch in which others were painted before


@dataclass(frozen=True, slots=True)
class Row:
    """Place of a picture in the images table."""

    task: str
    pair: str
    data_id: str
    number: int = 0  # which of a prompt's seeds


@dataclass(frozen=True, slots=True)
class Picture:
    """A generated image, and how much of its prompt survived truncation."""

    file: bytes  # PNG, WebP or JPEG
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


@runtime_checkable
class Keyed(Protocol):
    """A generator in which something of its own decides each picture, beside the `revision` that all share."""

    def revisions(self, orders: Sequence[Order]) -> list[str]:
        """What takes the place of `revision` in the key of each order. Given all orders of a run at once, without their source images."""
        ...


def revisions(generator: Generator, orders: Sequence[Order]) -> list[str]:
    """What of a generator decides the picture of each order, for its content key."""
    return generator.revisions(orders) if isinstance(generator, Keyed) else [generator.revision] * len(orders)


class Executor(Protocol):
    """Runs batches on one device or on many. Only what decides no picture differs between executors."""

    def paint(self, batches: Iterable[Sequence[Order]]) -> Iterator[tuple[int, list[Picture | Refusal]]]:
        """Yields (index of a batch, a result per order) as batches complete, in any order. Batches are consumed lazily, a few ahead."""
        ...
