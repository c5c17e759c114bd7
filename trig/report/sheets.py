"""Contact sheets: selects the report's pictures and tiles those of each model and pair as one thumbnail image.

The selection is threshold-independent and sheets are cached, so a threshold change redraws none.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl
from PIL import Image, ImageDraw

from trig.errors import PictureError, TableError
from trig.keys import content_key
from trig.pictures import UNREADABLE, pixels
from trig.store import Progress, Store, fill
from trig.tables import pictures as tabled
from trig.tables.made import torn

SHELF = "sheets"
DRAWING = 2
"""Cache version: raise it when output-affecting code of the sheets changes."""
LONGEST_SIDE = 192  # maximum thumbnail side in pixels
COLUMNS = 6
NOTHING = 64  # side of a missing picture's placeholder in pixels
QUALITY = 95  # WebP quality
BATCH = 64
SUBSET = ("task", "pair")
NAME = ("data_id", "number")
Name: TypeAlias = tuple[str, int]
"""A picture of a model and task: data_id of its prompt, and which of its seeds."""


@dataclass(frozen=True)
class Sheet:
    """Contact sheet of a model and pair."""

    model: str
    task: str
    pair: str
    names: tuple[Name, ...]  # data_id and number per thumbnail
    pictures: tuple[str, ...]  # content hash per thumbnail

    @cached_property
    def key(self) -> str:
        """Cache key of the sheet."""
        return content_key(pictures=self.pictures, drawing=DRAWING, side=LONGEST_SIDE, columns=COLUMNS, quality=QUALITY)

    @property
    def columns(self) -> int:
        """Thumbnails per row."""
        return min(COLUMNS, len(self.names))

    @property
    def rows(self) -> int:
        """Number of rows; the last may be shorter."""
        return ceil(len(self.names) / COLUMNS)


def pick(points: pl.DataFrame, scores: pl.DataFrame, per_pair: int) -> list[Sheet]:
    """Pictures to show, at most `per_pair` of each model and subset, sorted by mean score over models, ascending.

    Half of them, or all where there are so few, are evenly spaced quantiles of the same prompts and seeds for every model. The other half are a
    model's own extremes, by turns towards the four corners: highest minimum, lowest maximum, largest difference either way. So with
    `per_pair` ≥ 4 a sample in R_S or R_B, if there is any at any thresholds, is shown. A score's key is the content hash of its picture
    here.
    """
    if not per_pair:
        return []
    pictures = scores.group_by("model", "task", *NAME).agg(picture=pl.col("key").min())
    found = []
    for part in points.join(pictures, on=["model", "task", *NAME]).sort(*SUBSET, "model", *NAME).partition_by(SUBSET, maintain_order=True):
        levels = part.group_by(NAME).agg(level=(pl.col("x") + pl.col("y")).sort().mean()).sort("level", *NAME, nulls_last=True)
        ordered = levels.select(NAME).rows()
        order = {name: index for index, name in enumerate(ordered)}
        own = per_pair // 2 if len(order) > per_pair else 0
        spread = np.rint(np.linspace(0, len(order) - 1, min(per_pair, len(order)) - own)).astype(int)
        shared = {ordered[index] for index in spread.tolist()}
        task, pair = part.select(SUBSET).row(0)
        for (model,), of in (
            part.select("model", *NAME, "picture", "x", "y").partition_by("model", maintain_order=True, as_dict=True).items()
        ):
            keys = dict(zip(of.select(NAME).rows(), of["picture"], strict=True))
            names = [*shared.intersection(keys), *(_extremes(of, shared, own) if own else ())]
            names.sort(key=order.__getitem__)
            found.append(Sheet(str(model), task, pair, tuple(names), tuple(keys[name] for name in names)))
    return found


def _extremes(points: pl.DataFrame, shared: set[Name], wanted: int) -> list[Name]:
    """Most extreme samples that are not shared, round-robin over the four corners."""
    x, y = (points[side].to_numpy() for side in ("x", "y"))
    far = np.stack([np.minimum(x, y), -np.maximum(x, y), x - y, y - x], axis=1)  # NaN (missing score) sorts last
    turns = np.argsort(-far, axis=0, kind="stable").ravel()
    names = points.select(NAME).rows()
    there = ~(np.isnan(x) | np.isnan(y))
    fresh = dict.fromkeys(names[index] for index in turns.tolist() if there[index] and names[index] not in shared)
    return list(fresh)[:wanted]


def draw(wanted: Sequence[Sheet], images: Path, store: Store) -> Iterator[Progress]:
    """Renders the sheets missing in the cache. Raises TableError for a sample without a picture."""

    def work(missing: list[Sheet]) -> Iterator[tuple[int, bytes]]:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            yield from enumerate(threads.map(lambda sheet: _drawn(sheet, images), missing))

    yield from fill(store, SHELF, {sheet.key: sheet for sheet in wanted}, work, BATCH)


def drawn(wanted: Sequence[Sheet], store: Store) -> Mapping[str, bytes]:
    """Cached sheets as WebP, by key."""
    return store.get(SHELF, [sheet.key for sheet in wanted])


def _drawn(sheet: Sheet, images: Path) -> bytes:
    path = images / sheet.model / sheet.task / f"{sheet.pair}.parquet"
    if not path.exists():
        raise TableError(f"{path}: there is no images table here; run `dvc repro generate@{sheet.model}`, or `dvc pull`")
    ids = {data_id for data_id, _ in sheet.names}
    try:
        named = pl.read_parquet(path, columns=list(NAME)).with_row_index().filter(pl.col("data_id").is_in(ids))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise torn(path, error) from None
    places = {row: (data_id, number) for row, data_id, number in named.iter_rows()}
    files = {places[row]: tabled.picture(found) for row, found in tabled.read(path, places)}
    for name in sheet.names:
        if name not in files:
            raise TableError(f"{path}: {_told(name)} has scores but no picture; run `dvc repro generate@{sheet.model}`")
    pictures = [small(files[name], f"{path}: {_told(name)}") for name in sheet.names]
    return tiled(pictures, sheet.columns)


def tiled(pictures: Sequence[Image.Image], columns: int) -> bytes:
    """Pictures in cells of equal size, row by row, as WebP."""
    width, height = (max(picture.size[side] for picture in pictures) for side in (0, 1))
    whole = Image.new("RGB", (columns * width, ceil(len(pictures) / columns) * height), "white")
    for index, picture in enumerate(pictures):
        down, across = divmod(index, columns)
        whole.paste(picture, (across * width + (width - picture.width) // 2, down * height + (height - picture.height) // 2))
    packed = BytesIO()
    whole.save(packed, "WEBP", quality=QUALITY, method=2, use_sharp_yuv=True)
    return packed.getvalue()


def _told(name: Name) -> str:
    data_id, number = name
    return f"data_id {data_id!r}, number {number}" if number else f"data_id {data_id!r}"


def size(webp: bytes) -> tuple[int, int]:
    """Width and height of a sheet in pixels."""
    with Image.open(BytesIO(webp)) as picture:
        return picture.size


def small(png: bytes | None, where: str) -> Image.Image:
    """Thumbnail of at most `LONGEST_SIDE` pixels a side; a placeholder where the model refused.

    Raises PictureError for bytes that cannot be decoded.
    """
    if png is None:
        return _nothing()
    try:
        shown = pixels(png)
    except UNREADABLE as error:
        raise PictureError(f"{where}: the picture cannot be decoded ({error}); delete the file and run `dvc repro`") from None
    if max(shown.size) > LONGEST_SIDE:
        shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return shown


def _nothing() -> Image.Image:
    """Placeholder of a refused picture: a crossed-out square."""
    square = Image.new("RGB", (NOTHING, NOTHING), "white")
    pen = ImageDraw.Draw(square)
    for ends in ((0, 0, NOTHING - 1, NOTHING - 1), (0, NOTHING - 1, NOTHING - 1, 0)):
        pen.line(ends, "grey")
    pen.rectangle((0, 0, NOTHING - 1, NOTHING - 1), outline="grey")
    return square
