"""Contact sheets: many small pictures with their prompts."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from textwrap import wrap

from PIL import Image, ImageDraw

COLUMNS, CELL, TEXT = 8, 160, 58


def contact_sheet(shown: Sequence[tuple[str, bytes]], path: Path) -> None:
    """Draws (prompt, PNG) rows, eight to a line, each picture over its prompt."""
    lines = -(-len(shown) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL, lines * (CELL + TEXT)), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (prompt, png) in enumerate(shown):
        left, top = number % COLUMNS * CELL, number // COLUMNS * (CELL + TEXT)
        picture = Image.open(BytesIO(png)).convert("RGB").resize((CELL - 8, CELL - 8), Image.Resampling.NEAREST)
        sheet.paste(picture, (left + 4, top + 4))
        pen.multiline_text((left + 4, top + CELL - 2), "\n".join(wrap(prompt, 27)), fill="black", font_size=10, spacing=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, "PNG", optimize=True)
