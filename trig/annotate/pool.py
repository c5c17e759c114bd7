"""Source pictures by task, with what they show."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from trig.annotate.shapes import Seen
from trig.vocabulary.dimensions import Task

Pool = Mapping[Task, Mapping[str, Seen]]
"""Task → content hash of a picture that is fit for it → what it shows."""
COLUMNS = ("subject", "other", "place", "item", "description")
"""Columns of the sources table that a description fills."""
PICTURED = (Task.P2P, Task.S2P)
"""Tasks whose prompts name a picture."""


def pool(sources: pl.DataFrame) -> Pool:
    """Of described rows of the sources table."""
    rows = list(sources.filter(pl.col("subject").is_not_null()).drop("image").iter_rows(named=True))
    return {task: {row["source"]: seen(row) for row in rows if task.value in row["tasks"]} for task in Task}


def seen(row: Mapping[str, Any]) -> Seen:
    """The description that came with a picture."""
    told = {name: row[name] for name in COLUMNS} | {"description": row["description"] or row["subject"]}
    return Seen.model_construct(None, **told, fit=True, unfit_reason=None)
