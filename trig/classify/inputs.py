"""Loads the scores that are classified: the roster's models on the test split."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from trig import tables
from trig.errors import TableError
from trig.tables.prompts import split
from trig.tables.scores import SCORES


def roster_scores(folder: Path, roster: Sequence[str], prompts: pl.DataFrame, table: tables.Table = SCORES) -> pl.DataFrame:
    """Test-split scores of every model of the roster; files of other models are not read. `table` may declare fewer columns.

    Raises TableError when a model's file is missing, holds another model's rows, or has no test prompt.
    """
    held_out = split(prompts, "test").select("task", "data_id")
    return pl.concat([_scores(folder / f"{model}.parquet", model, table, held_out) for model in roster])


def _scores(path: Path, model: str, table: tables.Table, held_out: pl.DataFrame) -> pl.DataFrame:
    if not path.exists():
        raise TableError(
            f"{path}: {model!r} is in generate.roster and has no scores; run `dvc repro judge@{model}` or take it off the roster"
        )
    scores = tables.read(path, table)
    for other in scores["model"].unique().sort():
        if other != model:
            raise TableError(f"{path}: column 'model' holds {other!r}; this file is for {model!r}; run `dvc repro judge@{model}`")
    own = scores.join(held_out, on=["task", "data_id"], how="semi", maintain_order="left")
    if own.is_empty():
        raise TableError(f"{path}: holds no score of a prompt of the test split; run `dvc repro judge@{model}`")
    return own
