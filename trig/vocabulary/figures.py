"""Weight-free figures of a picture: what its pixels are like, whatever they show. No model has a say in them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Figure(StrEnum):
    """A figure of one picture."""

    SATURATION = "saturation"
    CLIPPED = "clipped"
    DARK = "dark"
    EDGES = "edges"
    COLOURS = "colours"
    SHARPNESS = "sharpness"


class About(NamedTuple):
    """A figure in words."""

    name: str
    means: str


ABOUT: Mapping[Figure, About] = {
    Figure.SATURATION: About("Saturation", "mean saturation of the pixels (HSV), 0 to 1"),
    Figure.CLIPPED: About("Clipped", "share of pixels with a channel at 250 of 255 or more"),
    Figure.DARK: About("Dark", "share of pixels with a luma below 0.1 of 1"),
    Figure.EDGES: About("Edge density", "share of pixels whose luma changes by 0.05 of 1 or more per pixel"),
    Figure.COLOURS: About("Colour entropy", "Shannon entropy of the histogram of 8 × 8 × 8 colours over its maximum, 0 to 1"),
    Figure.SHARPNESS: About("Sharpness", "standard deviation of the Laplacian of the luma, luma from 0 to 1"),
}
