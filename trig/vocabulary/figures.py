"""Weight-free figures of a picture: what its pixels are like, whatever they show. No model has a say in them."""

from enum import StrEnum


class Figure(StrEnum):
    """A figure of one picture."""

    SATURATION = "saturation"
    CLIPPED = "clipped"
    DARK = "dark"
    EDGES = "edges"
    COLOURS = "colours"
    SHARPNESS = "sharpness"
