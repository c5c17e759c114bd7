"""Dry run: the questions a judge run would ask and its estimated token cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import polars as pl
from PIL import Image

from trig.judge.album import Album
from trig.judge.cache import ANSWERS, final_refusals
from trig.judge.calls import Call
from trig.llm import cost
from trig.store import Store
from trig.tables.images import IMAGES, PICTURE
from trig.tables.sources import digest

UNPAINTED = ""
"""Image key of a placeholder for a picture not yet generated."""


@dataclass(frozen=True, slots=True)
class Plan(cost.Plan):
    """Distinct questions of a run; `refused` by the judge, or by the model that was to generate the picture."""

    unpainted: int  # questions about pictures not yet generated; above 0 the other figures are upper bounds


def plan(found: Sequence[Call], store: Store, tokens: Callable[[Call], int]) -> Plan:
    """What `answer` would do with these calls; `tokens` estimates the prompt tokens of a question."""
    calls = {_key(call): call for call in found}
    known = store.known(ANSWERS, calls)
    missing = {key for key, call in calls.items() if call.shown.missing is not None}
    refused = final_refusals(store, list(calls)).keys() - known | missing
    asked = {key: tokens(call) for key, call in calls.items() if key not in known | refused}
    unpainted = {_key(call) for call in found if call.row["image_key"] == UNPAINTED}
    return Plan(frozenset(known), frozenset(refused), asked, len(unpainted))


def _key(call: Call) -> str:
    """Cache key; placeholders are kept apart by model and seed, since all are blank."""
    return call.key if call.row["image_key"] != UNPAINTED else f"{call.row['model']} {call.row['number']} {call.key}"


def together(plans: Sequence[Plan]) -> Plan:
    """Merges plans of successive runs: later ones hit the cache of earlier ones."""
    return Plan(
        frozenset[str]().union(*(each.known for each in plans)),
        frozenset[str]().union(*(each.refused for each in plans)),
        {key: tokens for each in plans for key, tokens in each.asked.items()},
        sum(each.unpainted for each in plans),
    )


def pictured(wanted: pl.DataFrame, made: Album, model: str, width: int, height: int) -> Album:
    """Album of the wanted pictures, with blank width × height placeholders for those not yet generated."""
    left = wanted.join(made.names, on=["task", "data_id", "number"], how="anti").select("task", "pair", "data_id", "number")
    blank = pl.Series("image", [{"bytes": _blank(width, height), "path": "blank.png"}] * left.height, PICTURE)
    stand_ins = left.with_columns(
        blank,
        pl.lit(digest(_blank(width, height))).alias("digest"),
        pl.lit(model).alias("model"),
        pl.lit(UNPAINTED).alias("key"),
        pl.lit(0, pl.UInt64).alias("seed"),
        pl.lit(width, pl.Int32).alias("width"),
        pl.lit(height, pl.Int32).alias("height"),
        pl.lit("ok").alias("status"),
        *(pl.lit(None).alias(name) for name in IMAGES.nullable - {"image", "digest"}),
    )
    return Album((*made.parts, stand_ins.select(list(IMAGES.columns))))


def _blank(width: int, height: int) -> bytes:
    out = BytesIO()
    Image.new("L", (width, height)).save(out, "PNG")
    return out.getvalue()
