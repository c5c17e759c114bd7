"""Expectation suite of a model's images."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from trig import tables
from trig.gates import expect
from trig.gates.looks import looks
from trig.store import Store
from trig.tables import pictures
from trig.tables.images import IMAGES

CONSTANT = 1.0
"""Standard deviation, of 255, below which a picture counts as single-colour."""
NAMES = IMAGES.only([name for name in IMAGES.columns if name != "image"])


def views(prompts: pl.DataFrame, folder: Path, model: str, seeds: int, max_null_share: float, store: Store) -> list[expect.View]:
    """Views of one model's shards, streamed: one shard and one decoded picture in memory."""
    seen = pl.concat([_shard(file, store) for file in tables.files(folder, IMAGES)])
    asked = expect.asked_of(model, prompts, seeds)
    rows = expect.belonging(seen, asked)
    counts = asked.join(seen.group_by(expect.SAMPLE).agg(pictures=pl.len()), on=expect.SAMPLE, how="left", maintain_order="left")
    label, (noun, each) = expect.label(seeds), expect.asked_rows(seeds)
    return [
        expect.View("pictures", rows, label, _of_a_picture(), tuple(_notes(rows))),
        expect.View(noun, counts.with_columns(pl.col("pictures").fill_null(0)), label, _of_a_prompt(each)),
        expect.View("models", _shares(rows, model), ("model",), _of_a_model(max_null_share)),
    ]


def _of_a_picture() -> Mapping[str, expect.Check]:
    return {
        "every picture belongs to the model and to one of its test prompts": expect.holds("asked"),
        "every picture decodes as PNG, WebP or JPEG": expect.holds("decodes"),
        "every picture has the bytes that its row names by their hash": expect.holds("intact"),
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


def _of_a_prompt(each: str) -> Mapping[str, expect.Check]:
    return {f"every test prompt has exactly one picture{each}": expect.among("pictures", [1])}


def _shard(file: Path, store: Store) -> pl.DataFrame:
    """One flat row per picture of a shard, without image bytes."""
    shard = tables.check(pictures.told(file, IMAGES), NAMES, str(file))
    paths = [_path(row) for _, row in pictures.read(file, None, ("image.path",))]
    number = pl.col("number")
    rows = shard.select(
        pl.col("model"),
        pl.col("task", "pair", "status").cast(pl.String),
        pl.col("data_id", "number", "key", "reason", "engine", "prompt_tokens", "tokens_read"),
        path=pl.Series(paths, dtype=pl.String),
        name=pl.col("data_id") + pl.when(number > 0).then(pl.format("-{}", number)).otherwise(pl.lit("")),
        declared_size=pl.format("{} x {}", "width", "height"),
    )
    hashes = [None if path is None else named for path, named in zip(paths, shard["digest"], strict=True)]
    return pl.concat([rows, looks(file, hashes, store)], how="horizontal")


def _path(row: Mapping[str, object]) -> str | None:
    """Name of a picture without its suffix; None where there is none."""
    shown = row["image"]
    return None if not isinstance(shown, Mapping) else str(shown["path"] or "").rpartition(".")[0]
