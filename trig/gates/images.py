"""Expectation suite of a model's images."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from trig import tables
from trig.gates import expect
from trig.pictures import UNREADABLE, pixels
from trig.tables.images import IMAGES

LABEL = ("model", "task", "data_id")
CONSTANT = 1.0
"""Standard deviation, of 255, below which a picture counts as single-colour."""
PNG = b"\x89PNG\r\n\x1a\n"


class Seen(NamedTuple):
    """Statistics of a decoded picture. None where it cannot be decoded or is missing."""

    decodes: bool | None  # as a PNG
    seen_size: str | None  # `width x height`
    spread: float | None  # largest standard deviation of a channel, 0..127.5


def views(prompts: pl.DataFrame, folder: Path, model: str, max_null_share: float) -> list[expect.View]:
    """Views of one model's shards, streamed: one shard and one decoded picture in memory."""
    seen = pl.concat([_shard(file) for file in tables.files(folder, IMAGES)])
    asked = expect.asked_of(model, prompts)
    rows = expect.belonging(seen, asked)
    counts = asked.join(seen.group_by(expect.SAMPLE).agg(pictures=pl.len()), on=expect.SAMPLE, how="left", maintain_order="left")
    return [
        expect.View("pictures", rows, LABEL, _of_a_picture(), tuple(_notes(rows))),
        expect.View("test prompts", counts.with_columns(pl.col("pictures").fill_null(0)), LABEL, _of_a_prompt()),
        expect.View("models", _shares(rows, model), ("model",), _of_a_model(max_null_share)),
    ]


def _of_a_picture() -> Mapping[str, expect.Check]:
    return {
        "every picture belongs to the model and to one of its test prompts": expect.holds("asked"),
        "every picture decodes as a PNG": expect.holds("decodes"),
        "every picture has the size its row declares": expect.equal("seen_size", "declared_size"),
        "every picture is called by its data_id": expect.equal("path", "name"),
        "every key is 32 hex digits": expect.key("key"),
        "a row that is ok has a picture": expect.present("path", expect.OK),
        "a row that is ok has no reason": expect.missing("reason", expect.OK),
        "a row that is null has no picture": expect.missing("path", expect.NULL),
        "a row that is null has a reason": expect.present("reason", expect.NULL),
        "a model reads no more tokens of a prompt than it has": expect.no_more("tokens_read", "prompt_tokens"),
    }


def _of_a_model(max_null_share: float) -> Mapping[str, expect.Check]:
    limit = f"at most {max_null_share:.0%} of a model's pictures"
    return {
        f"{limit} are missing": expect.between("missing_share", None, max_null_share),
        f"{limit} are of one colour": expect.between("one_colour_share", None, max_null_share),
    }


def _shares(rows: pl.DataFrame, model: str) -> pl.DataFrame:
    missing = (pl.col("status") == "null").mean()
    return rows.select(pl.lit(model).alias("model"), missing_share=missing, one_colour_share=(pl.col("spread") < CONSTANT).mean())


def _notes(rows: pl.DataFrame) -> Iterator[str]:
    """Notes on missing and single-colour pictures, truncated prompts and mixed engines, each with its count and first example."""
    missing, plain = rows.filter(pl.col("status") == "null"), rows.filter(pl.col("spread") < CONSTANT)
    cut = rows.filter(pl.col("tokens_read") < pl.col("prompt_tokens"))
    if missing.height:
        yield f"pictures that are missing: {_first(missing)}: {missing['reason'][0]}"
    if plain.height:
        yield f"pictures of one colour: {_first(plain)}"
    if cut.height:
        longest, read = cut.select("prompt_tokens", "tokens_read").sort("prompt_tokens").row(-1)
        yield f"prompts longer than the model reads, judged whole: {_first(cut)}; up to {longest} prompt tokens, {read} read by the model"
    yield from expect.mixture(rows["engine"], "pictures")


def _first(rows: pl.DataFrame) -> str:
    return f"{rows.height}, {rows['task'][0]} {rows['data_id'][0]} first"


def _of_a_prompt() -> Mapping[str, expect.Check]:
    return {"every test prompt has exactly one picture": expect.among("pictures", [1])}


def _shard(file: Path) -> pl.DataFrame:
    """One flat row per picture of a shard, without image bytes."""
    shard = tables.read(file, IMAGES)
    shown = pl.col("image").struct.field("bytes").is_not_null()
    seen = pl.DataFrame(
        [_see(png) for png in shard["image"].struct.field("bytes")],
        schema={"decodes": pl.Boolean, "seen_size": pl.String, "spread": pl.Float64},
        orient="row",
    )
    rows = shard.select(
        pl.col("model"),
        pl.col("task", "pair", "status").cast(pl.String),
        pl.col("data_id", "key", "reason", "engine", "prompt_tokens", "tokens_read"),
        path=pl.when(shown).then(pl.col("image").struct.field("path").fill_null("")),
        name=pl.col("data_id") + ".png",
        declared_size=pl.format("{} x {}", "width", "height"),
    )
    return pl.concat([rows, seen], how="horizontal")


def _see(png: bytes | None) -> Seen:
    """Decodes a picture in full."""
    if png is None:
        return Seen(None, None, None)
    if not png.startswith(PNG):
        return Seen(False, None, None)
    try:
        shown = np.asarray(pixels(png), dtype=np.float64)  # (height, width, 3)
    except UNREADABLE:
        return Seen(False, None, None)
    height, width, _ = shown.shape
    return Seen(True, f"{width} x {height}", float(shown.std(axis=(0, 1)).max()))
