"""Picks the pictures a report shows and lays those of each model and pair out on one sheet, small enough to travel with the page."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image, UnidentifiedImageError

from trig.errors import PictureError, TableError

LONGEST_SIDE = 192  # pixels; larger pictures are shrunk for the page only
COLUMNS = 6
QUALITY = 95  # of WebP
SUBSET = ("task", "pair")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The picked pictures of a model and pair, side by side in the order of their slots."""

    model: str
    task: str
    pair: str
    columns: int
    rows: int
    width: int  # pixels of one picture's place; a smaller picture stands in its middle
    height: int
    webp: bytes


def pick(points: pl.DataFrame, per_pair: int) -> pl.DataFrame:
    """The samples to show, with their `slot`: `per_pair` prompts of each subset at most, the same for every model.

    First the prompts that between them show each region of each model, where that is possible; then prompts spread evenly from the worst to the best
    mean score. `points` has the `region` of each sample. Slots go from the worst to the best.
    """
    level = (pl.col("x") + pl.col("y")).sort().mean()
    ranked = points.group_by(*SUBSET, "data_id").agg(level=level).sort(*SUBSET, "level", "data_id", nulls_last=True)
    seen = points.drop_nulls("region").select(*SUBSET, "data_id", shows=pl.struct("model", "region").rank("dense"))
    shows = seen.group_by(*SUBSET, "data_id").agg(pl.col("shows").unique())
    ranked = ranked.join(shows, on=[*SUBSET, "data_id"], how="left", maintain_order="left")
    parts = [_picked(part, per_pair) for part in ranked.partition_by(SUBSET, maintain_order=True)] if per_pair else []
    chosen = pl.concat([ranked.clear(), *parts]).select(*SUBSET, "data_id")
    return chosen.with_columns(slot=pl.int_range(pl.len()).over(SUBSET))


def _picked(ranked: pl.DataFrame, per_pair: int) -> pl.DataFrame:
    """Rows of one subset, ordered by level: those that show something new, and evenly spread ones."""
    count = ranked.height
    if count <= per_pair:
        return ranked
    spread = np.rint(np.linspace(0, count - 1, per_pair)).astype(int).tolist()
    shows = [set(one or ()) for one in ranked["shows"].to_list()]
    wanted: set[int] = set().union(*shows) - set().union(*(shows[place] for place in spread))
    extra: list[int] = []
    while wanted and len(extra) < per_pair - 2:
        best = max(range(count), key=lambda place: (len(shows[place] & wanted), -place))
        extra.append(best)
        wanted -= shows[best]
    kept = np.rint(np.linspace(0, count - 1, per_pair - len(extra))).astype(int).tolist()
    return ranked[sorted({*kept, *extra})]


def draw(images: Path, models: Sequence[str], picked: pl.DataFrame) -> Iterator[Sheet]:
    """A sheet for each model and subset, from its shard. Raises TableError for a picked sample without a picture."""
    subsets = [(str(task), str(pair), part["data_id"].to_list()) for (task, pair), part in picked.group_by(SUBSET, maintain_order=True)]
    wanted = [(images, model, *subset) for model in models for subset in subsets]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        yield from threads.map(lambda one: _sheet(*one), wanted)


def _sheet(images: Path, model: str, task: str, pair: str, names: Sequence[str]) -> Sheet:
    path = images / model / task / f"{pair}.parquet"
    if not path.exists():
        raise TableError(f"{path}: there is no images table here; run `dvc repro generate@{model}`, or `dvc pull`")
    wanted = pl.scan_parquet(path).filter(pl.col("data_id").is_in(names)).select("data_id", pl.col("image").struct.field("bytes"))
    try:
        files = dict(wanted.collect().iter_rows())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{path}: not a readable parquet file ({str(error).splitlines()[0]}); delete it and run `dvc repro`") from None
    for name in names:
        if name not in files:
            raise TableError(f"{path}: data_id {name!r} has scores but no picture; run `dvc repro generate@{model}`")
    pictures = [small(files[name], f"{path}: data_id {name!r}") for name in names]
    width, height = (max(picture.size[side] for picture in pictures) for side in (0, 1))
    columns = min(COLUMNS, len(pictures))
    rows_needed = ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * width, rows_needed * height), "white")
    for place, picture in enumerate(pictures):
        down, across = divmod(place, columns)
        sheet.paste(picture, (across * width + (width - picture.width) // 2, down * height + (height - picture.height) // 2))
    packed = BytesIO()
    sheet.save(packed, "WEBP", quality=QUALITY, method=2, use_sharp_yuv=True)
    return Sheet(model, task, pair, columns, rows_needed, width, height, packed.getvalue())


def small(png: bytes, where: str) -> Image.Image:
    """The picture, of at most `LONGEST_SIDE` pixels a side. Raises PictureError for bytes that are no picture."""
    try:
        with Image.open(BytesIO(png)) as picture:
            shown = picture.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise PictureError(f"{where}: the picture cannot be decoded ({error}); delete the file and run `dvc repro`") from None
    if max(shown.size) > LONGEST_SIDE:
        shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return shown
