"""Decoding: the pixels a viewer shows are those every part of the project sees."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from trig import pictures
from trig.judge.pictures import fit, within
from trig.judge.pictures import size as whole_size
from trig.llm.images import shown
from trig.protocols.refusal import Refusal
from trig.testing import factories

INPUTS = Path(__file__).parent / "inputs" / "pictures"
PLENTY = 10**6
ALIKE = [
    ("sideways-6.jpg", "upright.png", 60),  # JPEG is lossy
    ("sideways-8.webp", "upright.png", 0),
    ("turned-3.png", "upright.png", 0),
    ("cutout-rgba.png", "cutout-on-white.png", 0),
    ("cutout-la.png", "cutout-la-on-white.png", 0),
]
"""File, reference with the same appearance, and pixel tolerance."""


def size_sent(file: bytes, most: int) -> tuple[int, int] | None:
    found = whole_size(file)
    return found and within(found, most)


def array(file: bytes) -> np.ndarray:
    return np.asarray(pictures.pixels(file)).astype(int)


def packed(picture: Image.Image, kind: str = "PNG", **how: object) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def scene(width: int = 12, height: int = 8) -> Image.Image:
    """Picture without rotational or mirror symmetry."""
    return Image.open(BytesIO(factories.png(3, width, height)))


@pytest.mark.parametrize(("name", "other", "off"), ALIKE)
def test_a_file_shows_what_a_viewer_shows(name: str, other: str, off: int) -> None:
    one, wanted = (array((INPUTS / each).read_bytes()) for each in (name, other))
    assert one.shape == wanted.shape and np.abs(one - wanted).max() <= off


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_every_orientation_is_undone(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = packed(scene(), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    wanted = ImageOps.exif_transpose(Image.open(BytesIO(file))).convert("RGB")
    assert (array(file) == np.asarray(wanted)).all()
    assert pictures.size(file) == wanted.size == ((8, 12) if orientation > 4 else (12, 8))
    assert size_sent(file, PLENTY) == wanted.size
    assert pictures.plain(file) == (orientation == 1)


def tagged(*tags: tuple[int, int, bytes]) -> bytes:
    """EXIF with a quarter-turn orientation and further tags: number, type, four bytes each."""
    entries = sorted([(0x0112, 3, struct.pack("<HH", 6, 0)), *tags])
    body = b"".join(struct.pack("<HHI", tag, kind, 4 if kind == 2 else 1) + value for tag, kind, value in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)


ODD = [(0x0128, 2, b"two\0"), (0x0100, 2, b"old\0"), (0x011A, 2, b"96\0\0"), (0x0131, 5, bytes(4))]
"""Unit, width and resolution as strings, and software as a fraction."""


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("exif", [tagged(), *map(tagged, ODD), tagged(*ODD)])
def test_odd_tags_beside_an_orientation_do_not_hide_it(exif: bytes, kind: str) -> None:
    file = packed(scene(), kind, exif=exif)
    assert pictures.size(file) == (8, 12) and array(file).shape == (12, 8, 3)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("exif", [b"II*\0", b"no tags at all", b"Exif\0\0MM\0*\0\0\0\xff"])
def test_broken_tags_leave_a_picture_as_it_is(exif: bytes, kind: str) -> None:
    file, plain = (packed(scene(), kind, **more, **({"lossless": True} if kind == "WEBP" else {})) for more in ({"exif": exif}, {}))
    assert pictures.size(file) == (12, 8) and (array(file) == array(plain)).all()


@given(st.data())
def test_no_damage_is_a_traceback(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP"]))
    file = bytearray(packed(scene(), kind, exif=tagged()))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(file) - 1))
        file[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    pictures.decoded(bytes(file))


def test_an_orientation_in_xmp_counts_as_one_in_exif() -> None:
    text = b'XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    chunk = struct.pack(">I", len(text)) + b"iTXt" + text + struct.pack(">I", zlib.crc32(b"iTXt" + text))
    plain = packed(scene())
    file = plain[:33] + chunk + plain[33:]  # after the header
    assert pictures.size(file) == (8, 12) and array(file).shape == (12, 8, 3)


def test_the_size_of_a_png_is_read_without_its_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    file = packed(scene())

    def load(_: Image.Image) -> None:
        raise AssertionError("its pixels were decoded")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    assert pictures.size(file) == size_sent(file, PLENTY) == (12, 8)
    assert pictures.plain(file)


RED, CLEAR = (200, 0, 0), (255, 255, 255)


def half_red(mode: str) -> Image.Image:
    """Red on the left, transparent green on the right."""
    whole = Image.new("RGBA", (4, 2), (*RED, 255))
    whole.paste((0, 200, 0, 0), (2, 0, 4, 2))
    return whole.convert(mode) if mode != "P" else whole.quantize(4)


@pytest.mark.parametrize(
    "file",
    [
        packed(half_red("RGBA")),
        packed(half_red("P")),
        packed(half_red("RGBA"), "WEBP", lossless=True),
        packed(Image.fromarray(np.array([[RED, RED, (0, 200, 0), (0, 200, 0)]] * 2, np.uint8)), transparency=(0, 200, 0)),
    ],
    ids=["RGBA", "palette", "WebP", "a colour that means none"],
)
def test_what_is_transparent_is_white(file: bytes) -> None:
    assert array(file)[0].tolist() == [list(RED), list(RED), list(CLEAR), list(CLEAR)]
    assert not pictures.plain(file)


def test_half_transparent_is_half_white() -> None:
    file = packed(Image.new("RGBA", (2, 2), (0, 0, 0, 51)))
    assert array(file)[0, 0].tolist() == [204, 204, 204]


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off() -> None:
    file = packed(Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16)))
    assert array(file)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert not pictures.plain(file)


def test_the_colour_that_means_none_may_have_sixteen_bits() -> None:
    grey = packed(Image.fromarray(np.array([[0, 3000, 3001, 65535]], np.uint16)), transparency=3000)
    assert array(grey)[0, :, 0].tolist() == [0, 255, 12, 255]
    deep = np.array([[[40_000, 256, 0], [512, 512, 512]]], ">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)),
        (b"tRNS", deep[0, 1].tobytes()),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    chunks = (struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts)
    assert array(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))[0].tolist() == [[156, 1, 0], [255, 255, 255]]


def test_cmyk_and_one_bit_are_colours() -> None:
    assert np.abs(array(packed(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))[4, 4] - [254, 0, 0]).max() <= 3
    assert array(packed(Image.new("1", (2, 2), 1))).min() == 255


def srgb() -> bytes:
    made: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made


def swapped() -> bytes:
    """Colour profile with red and blue swapped, renamed."""
    made = srgb().replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    return made.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


def test_colours_are_those_that_the_files_profile_means() -> None:
    plain = packed(scene())
    assert (array(packed(scene(), icc_profile=srgb())) == array(plain)).all()
    assert (array(packed(scene(), icc_profile=b"no profile at all")) == array(plain)).all()
    meant = array(packed(scene(), icc_profile=swapped()))
    assert np.abs(meant - array(plain)[:, :, ::-1]).max() <= 2
    assert not pictures.plain(packed(scene(), icc_profile=swapped()))


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    return packed(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused_for_good(kind: str) -> None:
    said = Refusal("an animation of 3 frames; judge a still", final=True)
    assert pictures.decoded(animated(kind)) == shown(animated(kind)) == said
    assert size_sent(animated(kind), PLENTY) is None and fit(animated(kind), PLENTY) == animated(kind)


def test_a_phones_jpeg_of_several_pictures_shows_the_first() -> None:
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    file = packed(first, "MPO", save_all=True, append_images=[second])
    assert Image.open(BytesIO(file)).format == "MPO"
    assert np.abs(array(file) - np.asarray(first)).max() <= 3
    assert str(shown(file)).startswith("data:image/png;base64,")


def sent(file: bytes) -> bytes:
    """Pixels that a server decodes."""
    from base64 import b64decode

    url = shown(fit(file, PLENTY))
    assert isinstance(url, str)
    return b64decode(url.partition(",")[2])


def usual() -> dict[str, Callable[[], bytes]]:
    return {name: (INPUTS / name).read_bytes for name in ("upright.png", *(each[0] for each in ALIKE))}


@pytest.mark.parametrize("name", usual())
def test_a_server_is_sent_the_pixels_that_the_judge_in_this_process_sees(name: str) -> None:
    file = usual()[name]()
    decoded_there = Image.open(BytesIO(sent(file)))
    assert decoded_there.mode in {"RGB", "L"} and not decoded_there.getexif()
    assert (np.asarray(decoded_there.convert("RGB")) == array(file)).all()


def test_a_plain_picture_is_sent_as_it_is() -> None:
    plain = (INPUTS / "upright.png").read_bytes()
    assert sent(plain) == plain


def test_a_turned_picture_is_made_smaller_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = packed(scene(40, 20), exif=exif)
    small = Image.open(BytesIO(fit(file, 200)))
    assert small.size == size_sent(file, 200) == (10, 20)
