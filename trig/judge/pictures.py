"""Image preprocessing for the judge: bounded size, deterministic pixels."""

from typing import TypeAlias

from PIL import Image

from trig import pictures
from trig.pictures import UNREADABLE, pixels, plain, png

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""
FITTING = 3
"""Cache version: raise it when output-affecting code of `fit` changes."""


def size(file: bytes) -> Size | None:
    """Width and height, from the file header; None when unreadable."""
    try:
        return pictures.size(file)
    except UNREADABLE:
        return None


def fit(file: bytes, max_pixels: int) -> bytes:
    """Downscales to at most `max_pixels` pixels with Lanczos resampling, keeping the aspect ratio.

    The file is returned as is when it fits and decodes alike everywhere, else as a PNG. Unreadable files stay as they are: the judge
    refuses them with a reason.
    """
    try:
        shape = pictures.size(file)
        wanted = within(shape, max_pixels)
        if wanted == shape and plain(file):
            return file
        shown = pixels(file)
    except UNREADABLE:
        return file
    return png(shown if wanted == shape else shown.resize(wanted, Image.Resampling.LANCZOS))


def within(size: Size, max_pixels: int) -> Size:
    """Size after `fit`."""
    width, height = size
    if width * height <= max_pixels:
        return size
    scale = (max_pixels / (width * height)) ** 0.5
    return max(1, int(width * scale)), max(1, int(height * scale))
