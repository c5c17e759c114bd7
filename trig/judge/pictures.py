"""Pictures as the judge gets them: of bounded size, and the same pixels on every machine."""

from typing import TypeAlias

from PIL import Image

from trig import pictures
from trig.pictures import UNREADABLE, pixels, plain, png

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""
FITTING = 3
"""Cache version: raise it when `fit` begins to make other pixels, so that no stored answer about the old ones is taken for a new one."""


def size(file: bytes, max_pixels: int) -> Size | None:
    """The size of what `fit` makes of a picture, read from its header; None where that cannot be read."""
    try:
        return _within(pictures.size(file), max_pixels)
    except UNREADABLE:
        return None


def fit(file: bytes, max_pixels: int) -> bytes:
    """The picture, where every reader shows the same pixels of it; else a PNG of those that a viewer shows, of at most `max_pixels` pixels and the
    same shape, resized with Lanczos' filter.

    What cannot be read stays as it is: the judge refuses it and says why.
    """
    try:
        shape = pictures.size(file)
        wanted = _within(shape, max_pixels)
        if wanted == shape and plain(file):
            return file
        shown = pixels(file)
    except UNREADABLE:
        return file
    return png(shown if wanted == shape else shown.resize(wanted, Image.Resampling.LANCZOS))


def _within(size: Size, max_pixels: int) -> Size:
    width, height = size
    if width * height <= max_pixels:
        return size
    scale = (max_pixels / (width * height)) ** 0.5
    return max(1, int(width * scale)), max(1, int(height * scale))
