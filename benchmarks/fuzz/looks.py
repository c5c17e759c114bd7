"""Readers of pictures: whatever a model, a person or a server hands in is decoded by the same few functions."""

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.fuzz.reader import Reader
from trig.errors import PictureError
from trig.figures.measures import figures
from trig.llm.images import shown
from trig.pictures import MOST_PIXELS, UNREADABLE, decoded, plain, size, unseen
from trig.protocols.refusal import Refusal
from trig.report.sheets import small
from trig.testing import factories

SIDE = 24
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "rgb.png": ("RGB", "PNG", {}),
    "grey.png": ("L", "PNG", {}),
    "bits.png": ("1", "PNG", {}),
    "clear.png": ("RGBA", "PNG", {}),
    "palette.png": ("P", "PNG", {"transparency": 3}),
    "deep.png": ("I;16", "PNG", {}),
    "film.png": ("RGB", "PNG", {"save_all": True, "append_images": [Image.new("RGB", (SIDE, SIDE))]}),
    "photo.jpg": ("RGB", "JPEG", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"}),
    "print.jpg": ("CMYK", "JPEG", {"progressive": True}),
    "phone.jpg": ("RGB", "MPO", {"save_all": True, "append_images": [Image.new("RGB", (SIDE, SIDE))]}),
    "flat.webp": ("RGB", "WEBP", {}),
    "lossless.webp": ("RGBA", "WEBP", {"lossless": True}),
    "film.webp": ("RGB", "WEBP", {"save_all": True, "append_images": [Image.new("RGB", (SIDE, SIDE))]}),
    "film.gif": ("P", "GIF", {"save_all": True, "append_images": [Image.new("P", (SIDE, SIDE))]}),
    "scan.tiff": ("CMYK", "TIFF", {}),
    "old.bmp": ("RGB", "BMP", {}),
}
"""Mode, format and how each is saved: those that are read, and those that are refused."""


def _pictures(place: Path) -> None:
    """One of each kind, of one pixel, and slender; a reader reads all, and as few inputs break more than one, the first one matters."""
    noise = Image.open(BytesIO(factories.png(1, SIDE, SIDE)))
    for name, (mode, form, how) in KINDS.items():
        (noise.convert("L").convert("I;16") if mode == "I;16" else noise.convert(mode)).save(place / name, form, **how)
    Image.new("RGB", (1, 1)).save(place / "dot.png")
    Image.new("L", (4_001, 1)).save(place / "line.png")


def _look(given: Path, _: Path) -> None:
    """Every file, in a fixed order, as a judge, a server and the report see it; a picture that is not seen is a refusal with its reason."""
    for name in ("dot.png", "line.png", *KINDS):
        if (given / name).is_file():
            _see((given / name).read_bytes())


def _see(file: bytes) -> None:
    picture = decoded(file)
    if isinstance(picture, Refusal):
        assert picture.reason, "a refusal says why"
        with suppress(PictureError):
            small(file, "a picture")
        return
    assert picture.mode == "RGB", picture.mode
    assert picture.size == size(file), "the header says another size"
    assert unseen(file) is None, "it was decoded, and cannot be seen"
    figures(picture)
    small(file, "a picture")
    try:
        plain(file)
    except UNREADABLE:
        raise AssertionError("it was decoded, and its header cannot be read") from None
    assert isinstance(shown(file), str), "it was decoded, and cannot be sent"


def _bombs(place: Path) -> None:
    """Small files that are large when they are decoded: as large as may be, and larger."""
    Image.new("RGBA", (8_192, 8_192)).save(place / "large.png", compress_level=1)
    Image.new("1", (30_000, 30_000)).save(place / "bomb.png")


def _defuse(given: Path, _: Path) -> None:
    for name in ("bomb.png", "large.png"):
        if (given / name).is_file():
            found = decoded((given / name).read_bytes())
            assert isinstance(found, Refusal) or found.width * found.height <= MOST_PIXELS


READERS = (Reader("pictures", 900, _pictures, _look), Reader("bombs", 20, _bombs, _defuse))
