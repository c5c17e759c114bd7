"""Makes one picture per prompt, each computed once, however often it is asked for and wherever a run was stopped."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from shutil import rmtree

import polars as pl

from trig import tables
from trig.keys import content_key
from trig.params import Params
from trig.params.generate import Model
from trig.protocols.generator import Generator, Order, Picture
from trig.protocols.refusal import Refusal
from trig.store import Progress, Store, fill
from trig.tables.images import IMAGES

SHELF = "pictures"


def seed_of(seed: int, prompt_key: str) -> int:
    """A picture's seed, 0 to 2**63 - 1. It comes from the prompt's content: every model paints a prompt from the same noise,
    and copies of a prompt in several subsets are one picture."""
    return int.from_bytes(blake2b(f"{seed}/{prompt_key}".encode(), digest_size=8).digest()) >> 1


def plan(wanted: pl.DataFrame, revision: str, seed: int) -> pl.DataFrame:
    """The prompts with the seed and the key of the picture each wants."""
    seeds = [seed_of(seed, key) for key in wanted["key"]]
    keys = [content_key(model=revision, prompt=key, seed=number) for key, number in zip(wanted["key"], seeds, strict=True)]
    return wanted.with_columns(pl.Series("seed", seeds, pl.UInt64), pl.Series("image_key", keys, pl.String))


def paint(planned: pl.DataFrame, generator: Generator, store: Store, batch_size: int) -> Iterator[Progress]:
    """Fills the store with the planned pictures. What a model refuses for good is kept too, and not asked for again."""
    rows = planned.select("image_key", "prompt", "seed", "source_image").unique("image_key", keep="first", maintain_order=True)
    wanted = {key: Order(prompt, seed, source) for key, prompt, seed, source in rows.iter_rows()}

    def generated(orders: list[Order]) -> Iterator[tuple[int, bytes | None]]:
        for start in range(0, len(orders), batch_size):
            for place, given in enumerate(generator.generate(orders[start : start + batch_size]), start):
                yield place, _packed(given, generator.engine)

    yield from fill(store, SHELF, wanted, generated, batch_size)


@dataclass(frozen=True, slots=True)
class Made:
    """What the store has for a planned picture."""

    given: Picture | Refusal
    engine: str | None  # the libraries that computed it; None where nothing did


def _packed(given: Picture | Refusal, engine: str) -> bytes | None:
    """A line of JSON, then the PNG; nothing for a refusal that may pass."""
    if isinstance(given, Refusal):
        return json.dumps({"engine": engine, "reason": given.reason}).encode() + b"\n" if given.final else None
    said = {"engine": engine, "prompt_tokens": given.prompt_tokens, "tokens_read": given.tokens_read}
    return json.dumps(said).encode() + b"\n" + given.png


def _unpacked(payload: bytes | None) -> Made:
    if payload is None:
        return Made(Refusal("the model gave no picture this time; run again"), None)
    line, _, png = payload.partition(b"\n")
    said = json.loads(line)
    if "reason" in said:
        return Made(Refusal(said["reason"], final=True), said["engine"])
    return Made(Picture(png, said["prompt_tokens"], said["tokens_read"]), said["engine"])


def made(
    wanted: pl.DataFrame,
    name: str,
    settings: Params,
    generator: Generator,
    store: Store,
    show: Callable[[Iterator[tuple[int, int]]], object],
) -> pl.DataFrame:
    """The images table of these prompts, painted by the model of this name. `show` goes through the work: pictures that are done, and all."""
    planned = plan(wanted, generator.revision, settings.seed)
    show((step.done, step.total) for step in paint(planned, generator, store, settings.generate.batch_size))
    return pictures(planned, name, settings.model(name), store)


def pictures(planned: pl.DataFrame, name: str, model: Model, store: Store) -> pl.DataFrame:
    """The images table of planned pictures, from the store: each with its picture, or with the reason why there is none."""
    found = store.get(SHELF, planned["image_key"])
    rows = [_row(data_id, _unpacked(found.get(key))) for key, data_id in planned.select("image_key", "data_id").iter_rows()]
    given = pl.DataFrame(rows, schema={column: IMAGES.columns[column] for column in GIVEN})
    return pl.concat([planned, given], how="horizontal").select(
        pl.lit(name).alias("model"), "task", "pair", "data_id", pl.lit(0, pl.Int32).alias("number"), "image", "seed",
        pl.lit(model.width, pl.Int32).alias("width"), pl.lit(model.height, pl.Int32).alias("height"), *GIVEN[1:],
        pl.col("image_key").alias("key"),
    )  # fmt: skip


GIVEN = ("image", "status", "reason", "engine", "prompt_tokens", "tokens_read")
"""The columns of the images table that the model decides."""


def _row(data_id: str, made: Made) -> Mapping[str, object]:
    match made.given:
        case Refusal(reason):
            return {"image": None, "status": "null", "reason": reason, "engine": made.engine, "prompt_tokens": None, "tokens_read": None}
        case Picture(png, tokens, read):
            shown = {"bytes": png, "path": f"{data_id}.png"}
            return {"image": shown, "status": "ok", "reason": None, "engine": made.engine, "prompt_tokens": tokens, "tokens_read": read}


def write(planned: pl.DataFrame, name: str, model: Model, store: Store, folder: Path) -> None:
    """Writes one shard per task and pair under `folder`, and nothing else stays there."""
    rmtree(folder, ignore_errors=True)
    for (task, pair), rows in planned.group_by("task", "pair", maintain_order=True):
        tables.write(pictures(rows, name, model, store), IMAGES, folder / str(task) / f"{pair}.parquet")
