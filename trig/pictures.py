"""Image files: accepted formats, decoding to the pixels a viewer shows, refusals of undecodable files."""

import struct
import warnings
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from trig.protocols.refusal import Refusal

warnings.filterwarnings("ignore", module=r"PIL\.")  # broken tags and large images do not prevent decoding

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
"""Accepted formats and media types: Pillow's other decoders are not worth their risk."""
SEVERAL = "MPO"
"""Pillow's name for a JPEG with several images, as phones write; viewers show the first."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
UNREADABLE = (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, struct.error)
"""Exceptions Pillow raises for an invalid image file."""
MOST_SLENDER = 200
"""Maximum aspect ratio: image processors refuse more."""
TURNED = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")
"""Marks of a PNG with EXIF orientation; searched first, as reading the tag decodes the whole image."""
ORIENTATION = 0x0112
UPRIGHT = 1
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Transpose operation by EXIF orientation."""
ON_THEIR_SIDE = (5, 6, 7, 8)
WHITE = (255, 255, 255, 255)


MOST_PIXELS = 2**26
"""Most pixels that are decoded, 8192 × 8192: a small file may claim more, and decoding takes some 20 bytes of memory for each."""


class UnseenError(ValueError):
    """A file that is sound and is not decoded; the message says why."""


class LargeError(UnseenError):
    """The picture has more than MOST_PIXELS."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"{width} × {height} pixels, and no more than {MOST_PIXELS / 1e6:.0f} megapixels are decoded; make it smaller")


class AnimationError(UnseenError):
    """The file is an animation."""

    def __init__(self, frames: int) -> None:
        super().__init__(f"an animation of {frames} frames; judge a still")


def opened(file: bytes) -> Image.Image:
    """Lazily opened image, pixels not decoded. Raises one of UNREADABLE."""
    return Image.open(BytesIO(file), formats=tuple(FORMATS))


def pixels(file: bytes) -> Image.Image:
    """Decoded image as a viewer shows it: 8-bit RGB, EXIF orientation applied, on white, in sRGB. Raises one of UNREADABLE, such as AnimationError."""
    picture = _still(opened(file))
    profile = picture.info.get("icc_profile")
    picture.load()
    shown = _in_srgb(_on_white(_eight_bits(picture)), profile)
    if (orientation := _orientation(picture, file)) != UPRIGHT:
        shown = shown.transpose(TURNS[orientation])
    return shown if shown.mode == "RGB" else shown.convert("RGB")


def size(file: bytes) -> tuple[int, int]:
    """Width and height of `pixels`, from the header alone. Raises one of UNREADABLE."""
    picture = _still(opened(file))
    width, height = picture.size
    return (height, width) if _orientation(picture, file) in ON_THEIR_SIDE else (width, height)


def plain(file: bytes) -> bool:
    """Whether all decoders agree on the pixels: no transparency, ICC profile or orientation. Raises one of UNREADABLE."""
    picture = _still(opened(file))
    usual = picture.format != SEVERAL and picture.mode in {"RGB", "L", "1"} and not picture.has_transparency_data
    return usual and "icc_profile" not in picture.info and _orientation(picture, file) == UPRIGHT


def png(picture: Image.Image) -> bytes:
    """PNG with fast compression: slightly larger, in less than half the time."""
    out = BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def unseen(file: bytes) -> Refusal | None:
    """Refusal for an image no judge can see, not worth a retry; None if one can. Reads the header only."""
    try:
        width, height = size(file)
    except UNREADABLE as error:
        return undecodable(error)
    if max(width, height) > MOST_SLENDER * min(width, height):
        return Refusal(f"the picture's longer side is more than {MOST_SLENDER} times its shorter one", final=True)
    return None


def decoded(file: bytes) -> Image.Image | Refusal:
    """Decoded image, as `pixels`, or a Refusal."""
    if refusal := unseen(file):
        return refusal
    try:
        return pixels(file)
    except UNREADABLE as error:
        return undecodable(error)


def undecodable(error: Exception) -> Refusal:
    """Refusal for a decoding error."""
    told = str(error) if isinstance(error, UnseenError) else f"the picture cannot be decoded ({type(error).__name__})"
    return Refusal(told, final=True)


def _still(picture: Image.Image) -> Image.Image:
    """The image. Raises AnimationError for an animation, LargeError for more pixels than are decoded."""
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != SEVERAL:
        raise AnimationError(frames)
    if picture.width * picture.height > MOST_PIXELS:
        raise LargeError(*picture.size)
    return picture


def _orientation(picture: Image.Image, file: bytes) -> int:
    """EXIF orientation, 1 to 8; 1 if missing or unreadable, as in viewers."""
    if picture.format == "PNG" and not any(mark in file for mark in TURNED):
        return UPRIGHT
    try:
        found = picture.getexif().get(ORIENTATION)
    except (*UNREADABLE, TypeError, AttributeError, LookupError):
        return UPRIGHT
    return found if found in TURNS else UPRIGHT


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Rescale 16-bit greyscale to 8 bits, where Pillow would clip at 255; likewise the transparent colour of 16-bit RGB."""
    clear = picture.info.get("transparency")
    if picture.mode == "RGB" and isinstance(clear, tuple) and max(clear) > 255:
        picture.info["transparency"] = tuple(part >> 8 for part in clear)
    if not picture.mode.startswith(("I", "F")):
        return picture
    deep = np.asarray(picture)
    grey = Image.fromarray(np.rint((deep.astype(np.float64) / 257).clip(0, 255)).astype(np.uint8))
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(deep == clear, 0, 255).astype(np.uint8)))
    return grey


def _on_white(picture: Image.Image) -> Image.Image:
    """Alpha-composited on white, in a mode that ICC profiles cover."""
    if not picture.has_transparency_data:
        return picture if picture.mode in {"RGB", "L", "CMYK"} else picture.convert("RGB")
    clear = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", clear.size, WHITE), clear).convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert from the embedded ICC profile to sRGB; a broken or mismatched profile is ignored."""
    if not profile:
        return picture
    try:
        meant = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(meant):
            return picture
        return ImageCms.profileToProfile(picture, meant, ImageCms.createProfile("sRGB"), outputMode="RGB") or picture
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
