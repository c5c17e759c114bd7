"""Schema of the prompts table, and its splits."""

from collections.abc import Sequence
from typing import Literal, Protocol

import polars as pl

from trig.tables import Table
from trig.tables.kinds import PAIR, TASK

SPLIT = pl.Enum(["test", "train"])
ROUTE = pl.Enum(["combine", "refine", "expand", "copy"])
PROMPTS = Table(
    "prompts",
    {
        "task": TASK,
        "pair": PAIR,
        "data_id": pl.String,  # `<pair>_<n>`, n from 1
        "prompt": pl.String,
        "sub_prompts": pl.List(pl.String),  # two, in pair order; "" where a dimension needs no phrase
        "caption": pl.String,  # id of the caption, or of the source picture's description
        "route": ROUTE,  # how it was written
        "template": pl.String,  # frames used; null where a model wrote it
        "annotator": pl.String,  # `template`, or the language model
        "parent": pl.String,  # data_id of the prompt this is a copy or edit of
        "item": pl.String,  # s2p: noun phrase of the subject
        "source": pl.String,  # p2p, s2p: content hash of the source picture, a row of the sources table
        "split": SPLIT,
        "key": pl.String,  # content hash of all that determines the picture, except the model
    },
    ("task", "data_id", "split"),
    frozenset({"template", "parent", "item", "source"}),
)


def split(prompts: pl.DataFrame, name: Literal["test", "train"]) -> pl.DataFrame:
    """Prompts of one split."""
    return prompts.filter(pl.col("split") == name)


class Scope(Protocol):
    """Which test prompts a model paints."""

    @property
    def tasks(self) -> Sequence[str] | None: ...  # None: all

    @property
    def per_subset(self) -> int | None: ...  # of each subset the first so many; None: all


def of_tasks(rows: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """Rows, with a column `task`, of the tasks of a scope."""
    return rows if scope.tasks is None else rows.filter(pl.col("task").cast(pl.String).is_in(list(scope.tasks)))


def scoped(prompts: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """The test prompts that a model with this scope paints, and the train prompts of its tasks."""
    own = of_tasks(prompts, scope)
    if scope.per_subset is None:
        return own
    return own.filter((pl.col("split") != "test") | (pl.int_range(pl.len()).over("task", "pair", "split") < scope.per_subset))


def numbered(prompts: pl.DataFrame, seeds: int) -> pl.DataFrame:
    """A row per prompt and seed, with a column `number`: 0 to `seeds` - 1."""
    return prompts.join(pl.select(number=pl.int_range(seeds, dtype=pl.Int32)), how="cross", maintain_order="left_right")
