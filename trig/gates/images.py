"""What a model's images must be like before a judge looks at them."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from PIL import Image

from trig import tables
from trig.errors import TableError
from trig.gates import expect

LABEL = ("model", "task", "data_id")
CONSTANT = 1.0
"""Standard deviation, of 255, below which a picture counts as one colour."""


class Seen(NamedTuple):
    """What decoding a picture shows. None where it does not decode."""

    decodes: bool  # as a PNG
    seen_size: str | None  # `width x height`
    spread: float | None  # standard deviation of the liveliest channel, 0..127.5


def views(prompts: pl.DataFrame, folder: Path, model: str) -> list[expect.View]:
    """What is expected of the shards of one model. One shard is in memory at a time, and one decoded picture."""
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise TableError(f"{folder}: there is no images table here; run the stage that writes it, or `dvc pull`")
    seen = pl.concat([_shard(file) for file in files])
    asked = prompts.filter(pl.col("split") == "test").select(pl.col("task", "pair").cast(pl.String), "data_id")
    asked = asked.with_columns(model=pl.lit(model))
    on = ["model", "task", "pair", "data_id"]
    rows = seen.join(asked.with_columns(asked=True), on=on, how="left", maintain_order="left").with_columns(
        pl.col("asked").fill_null(False)
    )
    counts = asked.join(seen.group_by(on).agg(pictures=pl.len()), on=on, how="left", maintain_order="left")
    return [
        expect.View("pictures", rows, LABEL, _of_a_picture()),
        expect.View("test prompts", counts.with_columns(pl.col("pictures").fill_null(0)), LABEL, _of_a_prompt()),
    ]


def _of_a_picture() -> Mapping[str, expect.Check]:
    return {
        "every picture belongs to the model and to one of its test prompts": expect.holds("asked"),
        "every picture decodes as a PNG": expect.holds("decodes"),
        "every picture has the size its row declares": expect.equal("seen_size", "declared_size"),
        "no picture is of one colour": expect.between("spread", CONSTANT, None),
        "every picture is called by its data_id": expect.equal("path", "name"),
        "every key is 32 hex digits": expect.key("key"),
    }


def _of_a_prompt() -> Mapping[str, expect.Check]:
    return {"every test prompt has exactly one picture": expect.among("pictures", [1])}


def _shard(file: Path) -> pl.DataFrame:
    """One flat row per picture of a shard, without the pictures."""
    shard = tables.read(file, tables.IMAGES)
    pictures = shard["image"].struct.field("bytes")
    seen = pl.DataFrame(
        [_see(png) for png in pictures], schema={"decodes": pl.Boolean, "seen_size": pl.String, "spread": pl.Float64}, orient="row"
    )
    rows = shard.select(
        pl.col("model"),
        pl.col("task", "pair").cast(pl.String),
        pl.col("data_id", "key"),
        path=pl.col("image").struct.field("path").fill_null(""),
        name=pl.col("data_id") + ".png",
        declared_size=pl.format("{} x {}", "width", "height"),
    )
    return pl.concat([rows, seen], how="horizontal")


def _see(png: bytes | None) -> Seen:
    """Decode a picture in full. Pillow tells of damage by any of these errors."""
    try:
        with Image.open(BytesIO(png or b""), formats=["PNG"]) as picture:
            pixels = np.asarray(picture.convert("RGB"), dtype=np.float64)  # (height, width, 3)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return Seen(False, None, None)
    height, width, _ = pixels.shape
    return Seen(True, f"{width} x {height}", float(pixels.std(axis=(0, 1)).max()))
