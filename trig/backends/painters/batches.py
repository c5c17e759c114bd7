"""Batches that fit, and rows that fail: a batch is halved when memory runs out, and no row takes others with it."""

import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

import torch

from trig.backends.weights import brief
from trig.errors import ParamsError, TrigError, WeightsError
from trig.protocols.generator import Order
from trig.protocols.refusal import Refusal

T = TypeVar("T")
SMALLER = "lower width and height, or set options.offload"
"""What spares memory where a pipeline paints any size."""


class Batches(Generic[T]):
    """Paints orders by `paint`, which takes a batch that may be painted together. The size that fits is kept for the run."""

    def __init__(self, paint: Callable[[Sequence[Order]], list[T | Refusal]], field: str, remedy: str = SMALLER) -> None:
        """`remedy`: what to do where one picture is too much."""
        self.paint, self.field, self.remedy = paint, field, remedy
        self.most: int | None = None
        self.painted = False
        self.failed: list[str] = []

    def __call__(self, orders: Sequence[Order]) -> Iterator[list[T | Refusal]]:
        """Results in order, as they come. Raises WeightsError where nothing was ever painted and all rows fail alike."""
        start = 0
        while start < len(orders):
            batch = orders[start : start + (self.most or len(orders))]
            if (made := self._tried(batch)) is None:
                self._halve(len(batch))
                continue
            start += len(batch)
            yield made

    def settled(self) -> None:
        """After rows that may all have failed: raises WeightsError where each failed alike, and none before was painted."""
        if not self.painted and len(self.failed) > 1 and len(set(self.failed)) == 1:
            raise WeightsError(f"{self.field}: no picture yet, as each fails alike: {self.failed[0]}; check the entry")

    def _tried(self, batch: Sequence[Order]) -> list[T | Refusal] | None:
        """None where memory ran out. It is freed by the caller: until the exception is let go, its frames hold tensors."""
        try:
            return self._attempt(batch)
        except ParamsError:
            return None  # told before anything was computed
        except Exception as error:
            if not starved(error):
                raise
            return None

    def _attempt(self, batch: Sequence[Order]) -> list[T | Refusal]:
        try:
            made = self.paint(batch)
        except TrigError:
            raise
        except Exception as error:
            if starved(error) and (len(batch) > 1 or not self.painted):
                raise
            if len(batch) == 1:
                return [self._refused(error)]
            made = [each for order in batch for each in self._attempt([order])]
            if not any(isinstance(each, Refusal) for each in made):
                self.most = 1  # only the batch fails
            return made
        self.painted = self.painted or any(not isinstance(each, Refusal) for each in made)
        return made

    def _refused(self, error: Exception) -> Refusal:
        if starved(error):
            return Refusal(f"memory ran out; run again, or lower generate.batch_size; {self.remedy}")
        said = f"{type(error).__name__}: {brief(error)}"
        if not self.painted:
            self.failed.append(said)
        return Refusal(f"the pipeline failed: {said}")

    def _halve(self, tried: int) -> None:
        """The next size to try. Raises WeightsError where one picture is too much."""
        _free()
        if tried == 1:
            raise WeightsError(f"{self.field}: not even one picture fits into memory; {self.remedy}")
        self.most = tried // 2


def starved(error: Exception) -> bool:
    """Whether memory ran out, of a GPU or of the machine."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        mark in str(error) for mark in ("allocate memory", "ALLOC_FAILED")
    )


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
