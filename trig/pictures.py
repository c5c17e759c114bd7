"""Picture files: which are read, and what is said of one that cannot be."""

from io import BytesIO

from PIL import Image, UnidentifiedImageError

from trig.protocols import Refusal

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
"""What a picture's file may be, with its media type: Pillow's other decoders are not worth their risk."""
UNREADABLE = (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError)
"""What Pillow raises for a file that is no whole picture."""
MOST_SLENDER = 200
"""Image processors refuse a picture whose longer side is more than so many times its shorter one."""


def opened(file: bytes) -> Image.Image:
    """The picture in a file, its pixels not decoded yet. Raises one of UNREADABLE."""
    return Image.open(BytesIO(file), formats=tuple(FORMATS))


def decoded(file: bytes) -> Image.Image | Refusal:
    """The picture in a file, or why no judge can see it, which asking again does not change."""
    try:
        picture = opened(file)
        picture.load()
    except UNREADABLE as error:
        return Refusal(f"the picture cannot be decoded ({type(error).__name__})", final=True)
    if max(picture.size) > MOST_SLENDER * min(picture.size):
        return Refusal(f"the picture's longer side is more than {MOST_SLENDER} times its shorter one", final=True)
    return picture


def pixels(file: bytes) -> Image.Image:
    """TEMP"""
    return opened(file).convert("RGB")
