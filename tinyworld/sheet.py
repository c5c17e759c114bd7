"""Contact sheets: thumbnails with their prompts."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from PIL import Image, ImageDraw

from trig.files import replacing
from trig.pictures import pixels

COLUMNS, CELL, TEXT = 8, 160, 58


def contact_sheet(shown: Sequence[tuple[str, bytes]], path: Path) -> None:
    """Contact sheet of (prompt, PNG) rows, eight per line, prompt below the picture."""
    lines = -(-len(shown) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL, lines * (CELL + TEXT)), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (prompt, png) in enumerate(shown):
        left, top = number % COLUMNS * CELL, number // COLUMNS * (CELL + TEXT)
        picture = pixels(png).resize((CELL - 8, CELL - 8), Image.Resampling.NEAREST)
        sheet.paste(picture, (left + 4, top + 4))
        pen.multiline_text((left + 4, top + CELL - 2), "\n".join(wrap(prompt, 27)), fill="black", font_size=10, spacing=1)
    with replacing(path) as part:
        sheet.save(part, "PNG", optimize=True)
