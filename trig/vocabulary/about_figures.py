"""What each figure is called and means, apart from the code that only computes them."""

from collections.abc import Mapping
from typing import NamedTuple

from trig.vocabulary.figures import Figure


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
