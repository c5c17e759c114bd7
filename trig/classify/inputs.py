"""The scores a map is made from: those of the roster's models on the test split."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from trig import tables
from trig.classify.relations import relations
from trig.classify.samples import KEY
from trig.errors import TableError
from trig.params import Thresholds


def roster_scores(folder: Path, roster: Sequence[str], prompts: pl.DataFrame) -> pl.DataFrame:
    """The scores of every model of the roster on prompts of the test split; files of other models are not read.

    Raises TableError when a model's file is missing or holds another model's rows.
    """
    scores = pl.concat([_scores(folder / f"{model}.parquet", model) for model in roster])
    return scores.join(prompts.filter(pl.col("split") == "test"), on=["task", "data_id"], how="semi")


def _scores(path: Path, model: str) -> pl.DataFrame:
    if not path.exists():
        raise TableError(
            f"{path}: {model!r} is in generate.roster and has no scores; run `dvc repro judge@{model}` or take it off the roster"
        )
    scores = tables.read(path, tables.SCORES)
    for other in scores["model"].unique().sort():
        if other != model:
            raise TableError(f"{path}: column 'model' holds {other!r}; this file is for {model!r}; run `dvc repro judge@{model}`")
    return scores


def check_current(found: pl.DataFrame, scores: pl.DataFrame, thresholds: Thresholds, where: Path) -> None:
    """Raises TableError unless the relations follow from these scores and thresholds; a map and its samples must belong together."""
    shown = ["model", "task", "pair", "n", "nulls", "n_synergy", "n_bottleneck", "relation"]
    anew = relations(scores, thresholds.model_copy(update={"bootstraps": 0}))
    if not anew.select(shown).equals(found.sort(KEY).select(shown)):
        raise TableError(f"{where}: made from other scores or thresholds than those at hand; run `dvc repro classify`")
