"""Weight-free features: colours, the directions of edges, and where it is light and dark. They know nothing of what a picture shows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trig.figures.measures import Shown, shown
from trig.keys import content_key

Floats = NDArray[np.float64]
FEATURING = 1
"""Cache version: raise it when the features of a picture change."""
SHADES, DIRECTIONS, CELLS, SPOTS = 4, 8, 4, 8
"""Bins of a channel; of the direction of an edge, a half turn; cells of a side whose edges are counted apart; and spots of a side that are light or dark."""


class Plain:
    """Weight-free features, in three parts of equal weight: histogram of colours, histograms of edge orientations, downsampled luma. Satisfies `Features`."""

    name = "weight-free: colours, edge orientations and downsampled luma, whatever they show"
    revision = content_key(features="plain", featuring=FEATURING)

    def of(self, pictures: Sequence[Image.Image]) -> Floats:
        """Features, (pictures, 256), of length 1."""
        return np.stack([_features(picture) for picture in pictures])


def _features(picture: Image.Image) -> Floats:
    seen = shown(picture)
    parts = [np.sqrt(_colours(seen)), np.sqrt(_orientations(seen)), _spots(picture)]
    whole = np.concatenate([part / max(float(np.linalg.norm(part)), 1e-9) for part in parts])
    return np.asarray(whole / np.linalg.norm(whole))


def _colours(seen: Shown) -> Floats:
    red, green, blue = np.minimum(seen.rgb * SHADES, SHADES - 1).astype(np.int64).reshape(-1, 3).T
    return np.asarray(np.bincount((red * SHADES + green) * SHADES + blue, minlength=SHADES**3) / seen.luma.size, dtype=np.float64)


def _orientations(seen: Shown) -> Floats:
    """Strength of the edges by cell and direction, (CELLS² · DIRECTIONS,)."""
    height, width = seen.luma.shape
    row, column = (np.arange(side) * CELLS // side for side in (height, width))
    turn = np.mod(np.arctan2(seen.down, seen.across) / np.pi, 1)
    place = (row[:, None] * CELLS + column) * DIRECTIONS + np.minimum(turn * DIRECTIONS, DIRECTIONS - 1).astype(np.int64)
    weights = np.hypot(seen.across, seen.down).ravel()
    return np.asarray(np.bincount(place.ravel(), weights=weights, minlength=CELLS * CELLS * DIRECTIONS), dtype=np.float64)


def _spots(picture: Image.Image) -> Floats:
    """Luma of SPOTS × SPOTS spots around its mean."""
    small = np.asarray(picture.resize((SPOTS, SPOTS), Image.Resampling.BOX).convert("L"), dtype=np.float64).ravel() / 255
    return np.asarray(small - small.mean())
