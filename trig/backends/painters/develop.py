"""From a pipeline's output to a file, or to the reason why there is none."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trig.params.options import Format
from trig.protocols.refusal import Refusal

BLACK = 1
"""A picture without a level above this is what broken numbers leave, and not a dark scene."""
SAVED: dict[Format, dict[str, Any]] = {
    "png": {"format": "PNG"},
    "webp": {"format": "WEBP", "lossless": True, "quality": 0, "method": 1},
    "jpeg": {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"},
}
"""Pillow's arguments. Of lossless WebP, quality and method are the effort."""


def shown(out: Any) -> Iterator[Image.Image | Refusal]:
    """Pictures of a pipeline's output, with a Refusal for each that is none."""
    found = out.images if hasattr(out, "images") else out.image
    flagged = getattr(out, "nsfw_content_detected", None) or [False] * len(found)
    yield from (developed(*each) for each in zip(found, flagged, strict=True))


def developed(picture: "NDArray[np.float32] | Image.Image", flagged: bool = False) -> Image.Image | Refusal:
    """A picture of 8 bits, from one or from values of 0 to 1."""
    if flagged:
        return Refusal("flagged by the pipeline's own safety checker", final=True)
    if isinstance(picture, np.ndarray):
        if strange := int((~np.isfinite(picture)).any(-1).sum()):
            return Refusal(f"not finite in {strange} of {picture.shape[0] * picture.shape[1]} pixels", final=True)
        picture = Image.fromarray((picture * 255).round().astype(np.uint8).squeeze())
    if np.asarray(picture).max() <= BLACK:
        return Refusal("black in every pixel, as broken numbers leave a picture", final=True)
    return picture


def file(picture: Image.Image, form: Format) -> bytes:
    """An image file."""
    out = BytesIO()
    picture.save(out, **SAVED[form])
    return out.getvalue()
