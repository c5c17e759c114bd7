"""Loads the scores that are classified: the roster's models on the test split."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from trig import tables
from trig.errors import TableError
from trig.tables.diagnostics import DIAGNOSED, DIAGNOSTICS, diagnosed
from trig.tables.prompts import split
from trig.tables.scores import SCORES, one_scorer


def roster_scores(folder: Path, roster: Sequence[str], prompts: pl.DataFrame, table: tables.Table = SCORES) -> pl.DataFrame:
    """Test-split scores of every model of the roster; files of other models are not read. `table` may declare fewer columns.

    Raises TableError when a model's file is missing, holds another model's rows, has no test prompt, or has two scores of one kind.
    """
    return pl.concat([_scores(folder / f"{model}.parquet", model, table, prompts) for model in roster])


def roster_diagnosed(
    scores: Path, diagnostics: Path, roster: Sequence[str], prompts: pl.DataFrame, table: tables.Table = DIAGNOSED
) -> pl.DataFrame:
    """The same with the diagnostics of the judge, null where a scorer has none. `scores` and `diagnostics` are the folders of the two tables."""
    of_score, of_judge = SCORES.only(table.columns), DIAGNOSTICS.only(table.columns)
    return pl.concat(
        [
            diagnosed(_scores(scores / file, model, of_score, prompts), tables.read(diagnostics / file, of_judge))
            for model in roster
            for file in (f"{model}.parquet",)
        ]
    )


def _scores(path: Path, model: str, table: tables.Table, prompts: pl.DataFrame) -> pl.DataFrame:
    if not path.exists():
        raise TableError(
            f"{path}: {model!r} is in generate.roster and has no scores; run `dvc repro judge@{model}` or take it off the roster"
        )
    scores = one_scorer(tables.read(path, table), str(path))
    for other in scores["model"].unique().sort():
        if other != model:
            raise TableError(f"{path}: column 'model' holds {other!r}; this file is for {model!r}; run `dvc repro judge@{model}`")
    held_out = split(prompts, "test").select("task", "data_id")
    own = scores.join(held_out, on=["task", "data_id"], how="semi", maintain_order="left")
    if own.is_empty():
        raise TableError(f"{path}: holds no score of a prompt of the test split; run `dvc repro judge@{model}`")
    return own
