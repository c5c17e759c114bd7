"""Pictures as the judge gets them: of bounded size, and the same pixels on every machine."""

from io import BytesIO
from typing import TypeAlias

from PIL import Image

from trig.pictures import UNREADABLE, opened

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""
FITTING = 1
"""Counts up when `fit` begins to make other pixels, so that no stored answer about the old ones is taken for a new one."""


def size(file: bytes, max_pixels: int) -> Size | None:
    """The size of what `fit` makes of a picture, read from its header; None where that cannot be read."""
    try:
        return _within(opened(file).size, max_pixels)
    except UNREADABLE:
        return None


def fit(file: bytes, max_pixels: int) -> bytes:
    """The picture, or a PNG of at most `max_pixels` pixels of the same shape, resized with Lanczos' filter.

    What cannot be read stays as it is: the judge refuses it and says why.
    """
    try:
        picture = opened(file)
        wanted = _within(picture.size, max_pixels)
        if wanted == picture.size:
            return file
        small = picture.convert("RGB").resize(wanted, Image.Resampling.LANCZOS)
    except UNREADABLE:
        return file
    out = BytesIO()
    small.save(out, "PNG", compress_level=1)  # some more bytes than the default, in less than half the time
    return out.getvalue()


def _within(size: Size, max_pixels: int) -> Size:
    width, height = size
    if width * height <= max_pixels:
        return size
    scale = (max_pixels / (width * height)) ** 0.5
    return max(1, int(width * scale)), max(1, int(height * scale))
