"""Weight-free figures of a decoded picture."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trig.vocabulary.figures import Figure

Floats = NDArray[np.float64]
MEASURING = 1
"""Cache version: raise it when a figure of a picture changes."""
LARGEST = 512
"""Longest side in pixels that is measured: larger pictures are averaged down by a whole factor, so that what is per pixel stays comparable."""
REC_709 = (0.2126, 0.7152, 0.0722)
CLIPPED, DARK, EDGE = 250 / 255, 0.1, 0.05
SHADES = 8
"""Bins of each channel in the colour histogram."""
DECIMALS = 6
"""Decimals that are kept: sums differ in the last bits between machines."""


class Shown(NamedTuple):
    """A picture as numbers in 0..1."""

    rgb: Floats  # (height, width, 3)
    luma: Floats  # (height, width)
    across: Floats  # luma per pixel to the right, central differences; (height, width)
    down: Floats  # the same downwards


def shown(picture: Image.Image) -> Shown:
    """The picture as numbers, averaged down where it is large."""
    factor = math.ceil(max(picture.size) / LARGEST)
    rgb = np.asarray(picture.reduce(factor) if factor > 1 else picture, dtype=np.float64) / 255
    luma = rgb @ REC_709
    edged = np.pad(luma, 1, mode="edge")
    return Shown(rgb, luma, (edged[1:-1, 2:] - edged[1:-1, :-2]) / 2, (edged[2:, 1:-1] - edged[:-2, 1:-1]) / 2)


def figures(picture: Image.Image) -> dict[Figure, float]:
    """All figures of a picture."""
    seen = shown(picture)
    return {figure: round(float(measure(seen)), DECIMALS) for figure, measure in MEASURES.items()}


def _saturation(seen: Shown) -> float:
    most, least = seen.rgb.max(axis=2), seen.rgb.min(axis=2)
    return float(((most - least) / np.maximum(most, 1 / 255)).mean())


def _clipped(seen: Shown) -> float:
    return float((seen.rgb.max(axis=2) >= CLIPPED).mean())


def _dark(seen: Shown) -> float:
    return float((seen.luma < DARK).mean())


def _edges(seen: Shown) -> float:
    return float((np.hypot(seen.across, seen.down) >= EDGE).mean())


def _colours(seen: Shown) -> float:
    red, green, blue = np.minimum(seen.rgb * SHADES, SHADES - 1).astype(np.int64).reshape(-1, 3).T
    counts = np.bincount((red * SHADES + green) * SHADES + blue)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum() / (3 * np.log(SHADES)))


def _sharpness(seen: Shown) -> float:
    edged = np.pad(seen.luma, 1, mode="edge")
    return float((edged[:-2, 1:-1] + edged[2:, 1:-1] + edged[1:-1, :-2] + edged[1:-1, 2:] - 4 * seen.luma).std())


MEASURES: Mapping[Figure, Callable[[Shown], float]] = {
    Figure.SATURATION: _saturation,
    Figure.CLIPPED: _clipped,
    Figure.DARK: _dark,
    Figure.EDGES: _edges,
    Figure.COLOURS: _colours,
    Figure.SHARPNESS: _sharpness,
}
