"""Ragged point clouds in flat arrays, and padded stacks of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from trig.classify.arrays import Floats, Ints, Places, integers
from trig.params.thresholds import Correlation

CELLS = 1 << 17
"""Points times draws per stack; fits the CPU cache."""
PADDING = 2.0
"""Above every threshold, so padded points lie in R_S and never in R_T."""


class Stack(NamedTuple):
    """Clouds of similar size, padded to the largest."""

    places: Places  # (G,) indices of the clouds
    x: Floats  # (G, n), `PADDING` where padded
    y: Floats
    weights: Ints  # (G, n, 1), 0 where padded, else 1


class Cloud(NamedTuple):
    """Points of one cloud, (n,) each."""

    x: Floats  # scores in [0, 1]
    y: Floats
    groups: Places  # cluster labels: root prompts, numbered from 0


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

    def cloud(self, index: int) -> Cloud:
        """Points of one cloud."""
        start = int(self.starts[index])
        own = slice(start, start + int(self.sizes[index]))
        return Cloud(self.x[own], self.y[own], np.unique(self.root[own], return_inverse=True)[1])

    def together(self, least: int) -> dict[int, Cloud]:
        """Clouds of at least so many points by their index, those with equal cluster labels one after the other: they share cached draws."""
        found = {int(index): self.cloud(int(index)) for index in np.flatnonzero(self.sizes >= least)}
        return dict(sorted(found.items(), key=lambda one: (one[1].groups.size, one[1].groups.tobytes())))

    def stacks(self, kind: Correlation) -> Iterator[Stack]:
        """All clouds in stacks of similar size whose arrays fit `CELLS`, at least one cloud each. Kendall's takes n arrays of n points."""
        width = max(int(self.sizes.max(initial=1)), 1) if kind == "kendall" else 1
        by_size = np.argsort(self.sizes, kind="stable")[::-1]
        while by_size.size:
            largest = max(int(self.sizes[by_size[0]]), 1)
            many = max(CELLS // (largest * width), 1)
            yield self._stack(by_size[:many], largest)
            by_size = by_size[many:]

    def _stack(self, places: Places, largest: int) -> Stack:
        place = np.arange(largest)
        real = place < self.sizes[places][:, None]
        points = (self.starts[places][:, None] + place)[real]
        x, y = np.full(real.shape, PADDING), np.full(real.shape, PADDING)
        x[real], y[real] = self.x[points], self.y[points]
        return Stack(places, x, y, real[:, :, None].astype(integers(largest)))
