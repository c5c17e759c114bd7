"""Pictures as the judge gets them: of bounded size, and the same bytes on every machine."""

from io import BytesIO

from PIL import Image

from trig.pictures import UNREADABLE, opened


def fit(file: bytes, max_pixels: int) -> tuple[bytes, int | None, int | None]:
    """The picture, or a PNG of at most `max_pixels` pixels of the same shape, resized with Lanczos' filter; then its width and height.

    What cannot be read stays as it is, and has no size: the judge refuses it and says why.
    """
    try:
        picture = opened(file)
        width, height = picture.size
        if width * height <= max_pixels:
            return file, width, height
        scale = (max_pixels / (width * height)) ** 0.5
        small = picture.convert("RGB").resize((max(1, int(width * scale)), max(1, int(height * scale))), Image.Resampling.LANCZOS)
    except UNREADABLE:
        return file, None, None
    out = BytesIO()
    small.save(out, "PNG")
    return out.getvalue(), *small.size
