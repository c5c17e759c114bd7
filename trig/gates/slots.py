"""The slots of a prompts table: each has its prompt, or was given up, with the rejected drafts that it took."""

from collections.abc import Mapping

import polars as pl

from trig.gates import expect
from trig.tables.funnel import Funnel
from trig.vocabulary.dimensions import Pair, Task

SUBSET = {"task": pl.String, "pair": pl.String, "split": pl.String}
SLOT = ("task", "pair", "split", "slot")
Sizes = Mapping[tuple[Task, Pair, str], int]
"""Subset and split → slots."""


def view(prompts: pl.DataFrame, rejected: pl.DataFrame, sizes: Sizes, funnel: Funnel) -> expect.View:
    """A row per subset and split. What the `funnel` says of slots that were given up is compared with both tables."""
    rows = [(task.value, str(pair), split, size) for (task, pair, split), size in sizes.items()]
    wanted = pl.DataFrame(rows, schema={**SUBSET, "size": pl.Int64}, orient="row")
    told = _told(prompts, rejected, funnel).group_by(*SUBSET).agg(given_up=pl.len(), unfounded=pl.col("unfounded").drop_nulls().first())
    there = _slots(prompts).group_by(*SUBSET).agg(prompts=pl.len())
    frame = wanted.join(there, on=list(SUBSET), how="left", maintain_order="left").join(
        told, on=list(SUBSET), how="left", maintain_order="left"
    )
    filled = pl.col("prompts").fill_null(0) + pl.col("given_up").fill_null(0)
    return expect.View("subsets", frame.with_columns(prompts_and_given_up=filled), tuple(SUBSET), _expected())


def _expected() -> Mapping[str, expect.Check]:
    return {
        "every slot of a subset has its prompt, or was given up": expect.equal("prompts_and_given_up", "size"),
        "every slot that was given up has its rejected drafts, and no prompt": expect.missing("unfounded"),
    }


def _told(prompts: pl.DataFrame, rejected: pl.DataFrame, funnel: Funnel) -> pl.DataFrame:
    """The slots that were given up; `unfounded` says what speaks against it. A copy has the drafts of the slot that it copies."""
    rows = [
        (one.task, one.pair, one.split, each.slot, each.tries, each.parent or one.pair) for one in funnel.subsets for each in one.given_up
    ]
    told = pl.DataFrame(rows, schema={**SUBSET, "slot": pl.Int64, "tries": pl.Int64, "drafted": pl.String}, orient="row")
    theirs = ["task", "drafted", "split", "slot"]
    refused = (
        rejected.select(pl.col("task", "pair", "split").cast(pl.String), pl.col("slot").cast(pl.Int64)).group_by(SLOT).agg(refused=pl.len())
    )
    found = (
        told.join(refused, left_on=theirs, right_on=list(SLOT), how="left", maintain_order="left")
        .join(_slots(prompts).with_columns(own=True), on=list(SLOT), how="left", maintain_order="left")
        .join(_slots(prompts).with_columns(copied=True), left_on=theirs, right_on=list(SLOT), how="left", maintain_order="left")
        .with_columns(pl.col("refused").fill_null(0))
    )
    drafts = pl.format("slot {}: {} rejected drafts, {} tries", "slot", "refused", "tries")
    unfounded = (
        pl.when(pl.col("own").is_not_null() | pl.col("copied").is_not_null())
        .then(pl.format("slot {}: there is a prompt", "slot"))
        .when(pl.col("refused") != pl.col("tries"))
        .then(drafts)
    )
    return found.with_columns(unfounded=unfounded)


def _slots(prompts: pl.DataFrame) -> pl.DataFrame:
    """The slots of the prompts: the number at the end of a data_id."""
    number = pl.col("data_id").str.extract(r"_(\d+)$").cast(pl.Int64, strict=False)
    return prompts.select(pl.col("task", "pair", "split").cast(pl.String), slot=number).unique(maintain_order=True)
