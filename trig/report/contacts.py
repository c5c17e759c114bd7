"""A contact sheet per model and task: the same prompts of all pairs at the same places, so that failures and style show at a glance.

It is cut from the sheets of the pairs, so it reads no picture. Prompts are drawn by lot (by their hash) from those that all models show, which lie
at evenly spaced quantiles of the mean score: no model's extremes are among them.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from math import ceil

from PIL import Image

from trig.keys import content_key
from trig.report.sheets import Name, Sheet, tiled

CELLS = 42
"""Pictures of a contact sheet, at least one of each pair."""
COLUMNS = 14
SIDE = 96  # longest side of a picture in pixels


@dataclass(frozen=True)
class Contact:
    """Contact sheet of a model and task."""

    model: str
    task: str
    cells: tuple[tuple[Sheet, Name], ...]  # the sheet of a pair, and a picture on it

    @property
    def columns(self) -> int:
        """Pictures per row."""
        return min(COLUMNS, len(self.cells))

    @property
    def rows(self) -> int:
        """Number of rows; the last may be shorter."""
        return ceil(len(self.cells) / COLUMNS)


def pick(sheets: Sequence[Sheet]) -> list[Contact]:
    """Contact sheets by task and model, pairs in the order of their names."""
    found = []
    for task, of_task in groupby(sorted(sheets, key=_subset), key=lambda sheet: sheet.task):
        pairs = [list(of_pair) for _, of_pair in groupby(of_task, key=lambda sheet: sheet.pair)]
        each = max(1, CELLS // len(pairs))
        cells: dict[str, list[tuple[Sheet, Name]]] = {}
        for of_pair in pairs:
            shared = set.intersection(*(set(sheet.names) for sheet in of_pair))
            for sheet in of_pair:
                names = sorted(shared or sheet.names, key=lambda name: content_key(contact=name))[:each]
                cells.setdefault(sheet.model, []).extend((sheet, name) for name in names)
        found += [Contact(model, task, tuple(chosen)) for model, chosen in sorted(cells.items())]
    return found


def _subset(sheet: Sheet) -> tuple[str, str, str]:
    return sheet.task, sheet.pair, sheet.model


def drawn(wanted: Sequence[Contact], pictures: Mapping[str, bytes]) -> list[bytes]:
    """Contact sheets as WebP; `pictures` holds the sheets of the pairs by key. Deterministic."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(lambda contact: _drawn(contact, pictures), wanted))


def _drawn(contact: Contact, pictures: Mapping[str, bytes]) -> bytes:
    cut = [
        picture
        for sheet, cells in groupby(contact.cells, key=lambda cell: cell[0])
        for picture in _cut(sheet, [name for _, name in cells], pictures[sheet.key])
    ]
    return tiled(cut, contact.columns)


def _cut(sheet: Sheet, names: Sequence[Name], webp: bytes) -> list[Image.Image]:
    """Pictures of the sheet of a pair, made smaller."""
    with Image.open(BytesIO(webp)) as whole:
        width, height = whole.width // sheet.columns, whole.height // sheet.rows
        found = []
        for name in names:
            down, across = divmod(sheet.names.index(name), sheet.columns)
            picture = whole.crop((across * width, down * height, (across + 1) * width, (down + 1) * height))
            picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            found.append(picture)
        return found
