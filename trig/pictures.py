"""Picture files: which are read, the pixels that a viewer shows of them, and what is said of one that cannot be read."""

import struct
import warnings
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from trig.protocols.refusal import Refusal

warnings.filterwarnings("ignore", module=r"PIL\.")  # of broken tags and large pictures: neither keeps a picture from being shown

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
"""What a picture's file may be, with its media type: Pillow's other decoders are not worth their risk."""
SEVERAL = "MPO"
"""What Pillow calls a JPEG that holds more pictures, as phones write; the first is the one that viewers show."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
UNREADABLE = (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, struct.error)
"""What Pillow raises for a file that is no whole picture."""
MOST_SLENDER = 200
"""Image processors refuse a picture whose longer side is more than so many times its shorter one."""
TURNED = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")
"""What a PNG with an orientation holds one of; to look for the tag itself, Pillow decodes the whole picture."""
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
"""What makes a picture upright, by its orientation."""
ON_THEIR_SIDE = (5, 6, 7, 8)
WHITE = (255, 255, 255, 255)


class AnimationError(ValueError):
    """A file shows several pictures in turn."""

    def __init__(self, frames: int) -> None:
        super().__init__(f"an animation of {frames} frames; judge a still")


def opened(file: bytes) -> Image.Image:
    """The picture in a file, its pixels not decoded yet. Raises one of UNREADABLE."""
    return Image.open(BytesIO(file), formats=tuple(FORMATS))


def pixels(file: bytes) -> Image.Image:
    """The pixels that a viewer shows of a file: RGB, 8 bits, turned as its orientation says, on white, in sRGB.

    Raises one of UNREADABLE, among them AnimationError.
    """
    picture = _still(opened(file))
    profile = picture.info.get("icc_profile")
    picture.load()
    shown = _in_srgb(_on_white(_eight_bits(picture)), profile)
    if (orientation := _orientation(picture, file)) != UPRIGHT:
        shown = shown.transpose(TURNS[orientation])
    return shown if shown.mode == "RGB" else shown.convert("RGB")


def size(file: bytes) -> tuple[int, int]:
    """Width and height of these pixels, from the header alone. Raises one of UNREADABLE."""
    picture = _still(opened(file))
    width, height = picture.size
    return (height, width) if _orientation(picture, file) in ON_THEIR_SIDE else (width, height)


def plain(file: bytes) -> bool:
    """Whether every reader shows the same pixels of a file, whatever it knows of tags, transparency and colour. Raises one of UNREADABLE."""
    picture = _still(opened(file))
    usual = picture.format != SEVERAL and picture.mode in {"RGB", "L", "1"} and not picture.has_transparency_data
    return usual and "icc_profile" not in picture.info and _orientation(picture, file) == UPRIGHT


def png(picture: Image.Image) -> bytes:
    """A picture as a file, packed quickly: some more bytes than the smallest, in less than half the time."""
    out = BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def unseen(file: bytes) -> Refusal | None:
    """Why no judge can see the picture in a file, which asking again does not change; None where one can. Only its header is read."""
    try:
        width, height = size(file)
    except UNREADABLE as error:
        return undecodable(error)
    if max(width, height) > MOST_SLENDER * min(width, height):
        return Refusal(f"the picture's longer side is more than {MOST_SLENDER} times its shorter one", final=True)
    return None


def decoded(file: bytes) -> Image.Image | Refusal:
    """The pixels that a viewer shows of a file, or why no judge can see them."""
    if refusal := unseen(file):
        return refusal
    try:
        return pixels(file)
    except UNREADABLE as error:
        return undecodable(error)


def undecodable(error: Exception) -> Refusal:
    """Why a file is not seen."""
    told = str(error) if isinstance(error, AnimationError) else f"the picture cannot be decoded ({type(error).__name__})"
    return Refusal(told, final=True)


def _still(picture: Image.Image) -> Image.Image:
    """The picture, if it is the only one that a viewer shows."""
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != SEVERAL:
        raise AnimationError(frames)
    return picture


def _orientation(picture: Image.Image, file: bytes) -> int:
    """The orientation tag, 1 to 8; 1 where there is none, or none that can be read: viewers show such a picture as it is."""
    if picture.format == "PNG" and not any(mark in file for mark in TURNED):
        return UPRIGHT
    try:
        found = picture.getexif().get(ORIENTATION)
    except (*UNREADABLE, TypeError, AttributeError, LookupError):
        return UPRIGHT
    return found if found in TURNS else UPRIGHT


def _eight_bits(picture: Image.Image) -> Image.Image:
    """16-bit grey scaled down, where Pillow's own conversion cuts off what is above 255; so is the transparent colour of 16-bit RGB, which Pillow
    keeps as it was."""
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
    """Without transparency, and in colours that a profile may speak of."""
    if not picture.has_transparency_data:
        return picture if picture.mode in {"RGB", "L", "CMYK"} else picture.convert("RGB")
    clear = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", clear.size, WHITE), clear).convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours as the file's own profile means them. A profile that is broken, or of another kind of colours, is not followed."""
    if not profile:
        return picture
    try:
        meant = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(meant):
            return picture
        return ImageCms.profileToProfile(picture, meant, ImageCms.createProfile("sRGB"), outputMode="RGB") or picture
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
