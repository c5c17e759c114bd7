"""Picks the pictures a report shows and makes them small enough to travel inside the page."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import polars as pl
from PIL import Image, UnidentifiedImageError

from trig import tables
from trig.errors import PictureError, TableError

LONGEST_SIDE = 192  # pixels; larger pictures are shrunk for the page only
SUBSET = ("task", "pair")


def pick(points: pl.DataFrame, per_pair: int) -> pl.DataFrame:
    """The samples to show: `per_pair` prompts of each subset, the same for every model, evenly spread from worst to best mean score."""
    level = (pl.col("x") + pl.col("y")).sort().mean()
    ranked = points.group_by(*SUBSET, "data_id").agg(level=level).sort(*SUBSET, "level", "data_id", nulls_last=True)
    rank, count = pl.int_range(pl.len()).over(SUBSET), pl.len().over(SUBSET)
    if not per_pair:
        return ranked.clear().select(*SUBSET, "data_id")
    step = pl.min_horizontal(count, per_pair) - 1
    slots = ranked.with_columns(rank=rank, slot=(rank * step) // (count - 1).clip(1))
    return slots.sort(*SUBSET, "rank").unique([*SUBSET, "slot"], keep="first", maintain_order=True).select(*SUBSET, "data_id")


def load(images: Path, models: Sequence[str], picked: pl.DataFrame) -> pl.DataFrame:
    """The picked pictures of each model as data URIs, read from its shards one by one."""
    rows = [row for model in models for (task, pair), part in _subsets(picked) for row in _shard(images, model, task, pair, part)]
    kinds = {name: tables.IMAGES.columns[name] for name in ("model", "task", "pair", "data_id")}
    return pl.DataFrame(rows, schema={**kinds, "uri": pl.String}, orient="row")


def _subsets(picked: pl.DataFrame) -> Iterator[tuple[tuple[str, str], set[str]]]:
    for key, part in picked.group_by(SUBSET, maintain_order=True):
        yield (str(key[0]), str(key[1])), set(part["data_id"])


def _shard(images: Path, model: str, task: str, pair: str, wanted: set[str]) -> Iterator[tuple[str, ...]]:
    path = images / model / task / f"{pair}.parquet"
    found = tables.read(path, tables.IMAGES).filter(pl.col("data_id").is_in(wanted)).sort("data_id")
    if found.height < len(wanted):
        missing = min(wanted - set(found["data_id"]))
        raise TableError(f"{path}: data_id {missing!r} has scores but no picture; run `dvc repro generate@{model}`")
    for data_id, picture in found.select("data_id", "image").iter_rows():
        yield model, task, pair, data_id, data_uri(picture["bytes"], f"{path}: data_id {data_id!r}")


def data_uri(png: bytes, where: str) -> str:
    """The picture as a PNG data URI of at most `LONGEST_SIDE` pixels a side, a small PNG as it is. Raises PictureError for bytes that are no picture."""
    try:
        with Image.open(BytesIO(png)) as picture:
            kind, small = picture.format, picture.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise PictureError(f"{where}: the picture cannot be decoded ({error}); delete the file and run `dvc repro`") from None
    if kind == "PNG" and max(small.size) <= LONGEST_SIDE:
        return "data:image/png;base64," + b64encode(png).decode()
    if max(small.size) > LONGEST_SIDE:
        small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    packed = BytesIO()
    small.save(packed, "PNG", optimize=True)
    return "data:image/png;base64," + b64encode(packed.getvalue()).decode()
