"""Clouds of different sizes in one row of numbers, and the padded stacks of them that are measured together."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trig.classify.cloud import PADDING
from trig.classify.order import Bools, Floats, Places

CELLS = 1 << 17
"""Points times draws that are measured at once. So few stay in a processor's cache."""


@dataclass(frozen=True, slots=True)
class Clouds:
    """The points of all clouds, one cloud after the other."""

    x: Floats  # (points,) scores in [0, 1]
    y: Floats
    root: Places  # (points,) a number for the prompt that this one was copied from, in the end; equal numbers are resampled together
    sizes: Places  # (clouds,)

    @property
    def starts(self) -> Places:
        """Where each cloud begins."""
        return np.cumsum(self.sizes) - self.sizes

    def one(self, place: int) -> slice:
        """The points of one cloud."""
        start = int(self.starts[place])
        return slice(start, start + int(self.sizes[place]))

    def stack(self, chosen: Places) -> tuple[Floats, Floats, Bools]:
        """x and y of the chosen clouds, (G, n), padded to the largest, and which points are there."""
        place = np.arange(max(int(self.sizes[chosen].max()), 1))
        there = place < self.sizes[chosen][:, None]
        points = (self.starts[chosen][:, None] + place)[there]
        x, y = np.full(there.shape, PADDING), np.full(there.shape, PADDING)
        x[there], y[there] = self.x[points], self.y[points]
        return x, y, there

    def batches(self, width: int) -> Iterator[Places]:
        """The places of all clouds, in batches of similar size whose points times `width` fill `CELLS`; at least one cloud each."""
        order = np.argsort(self.sizes, kind="stable")[::-1]
        while order.size:
            largest = max(int(self.sizes[order[0]]), 1)
            many = max(CELLS // (largest * width), 1)
            yield order[:many]
            order = order[many:]
