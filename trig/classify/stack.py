"""Ragged point clouds in flat arrays, and padded batches of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trig.classify.cloud import PADDING
from trig.classify.order import Bools, Floats, Places

CELLS = 1 << 17
"""Points times draws per batch; fits the CPU cache."""


@dataclass(frozen=True, slots=True)
class Clouds:
    """Concatenated points of all clouds."""

    x: Floats  # (points,) scores in [0, 1]
    y: Floats
    root: Places  # (points,) cluster label: root prompt, resampled as a unit
    sizes: Places  # (clouds,)

    @property
    def starts(self) -> Places:
        """Start offset of each cloud."""
        return np.cumsum(self.sizes) - self.sizes

    def one(self, place: int) -> slice:
        """Slice of one cloud's points."""
        start = int(self.starts[place])
        return slice(start, start + int(self.sizes[place]))

    def stack(self, chosen: Places) -> tuple[Floats, Floats, Bools]:
        """x and y of the chosen clouds, (G, n), padded to the largest, and the mask of real points."""
        place = np.arange(max(int(self.sizes[chosen].max()), 1))
        there = place < self.sizes[chosen][:, None]
        points = (self.starts[chosen][:, None] + place)[there]
        x, y = np.full(there.shape, PADDING), np.full(there.shape, PADDING)
        x[there], y[there] = self.x[points], self.y[points]
        return x, y, there

    def batches(self, width: int) -> Iterator[Places]:
        """Indices of all clouds, batched by similar size so that points times `width` fit `CELLS`; at least one cloud each."""
        order = np.argsort(self.sizes, kind="stable")[::-1]
        while order.size:
            largest = max(int(self.sizes[order[0]]), 1)
            many = max(CELLS // (largest * width), 1)
            yield order[:many]
            order = order[many:]
