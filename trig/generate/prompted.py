"""The prompts that a model paints: those of the run, or those that prompting wrote for it."""

from pathlib import Path

import polars as pl

from trig import tables
from trig.errors import TableError
from trig.generate.plan import ROW
from trig.keys import prompt_key
from trig.params.models import Model
from trig.tables.prompts import numbered
from trig.tables.rewrites import REWRITES

FILE = "rewrites.parquet"
"""Its name in the folder of an entry's `prompting`."""


def prompted(wanted: pl.DataFrame, model: Model, seeds: int) -> pl.DataFrame:
    """Prompts for `plan`. A rewritten one has the initial noise of the original, so that their pictures are paired."""
    if model.prompting is None:
        return wanted
    file = Path(model.prompting) / FILE
    written = tables.read(file, REWRITES).select(*ROW, "painted", "noise", noise_key="key")
    rows = numbered(wanted, seeds).join(written, on=ROW, how="left", maintain_order="left")
    stale = rows.filter(pl.col("noise_key").ne_missing(pl.col("key")))
    if stale.height:
        said = "/".join(map(str, stale.select(ROW).row(0)))
        raise TableError(f"{file}: {said}: {stale.height} prompts are not rewritten, or were others; run `dvc repro` to rewrite them")
    return repainted(rows)


def repainted(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with what is painted, the column `painted`, in place of the prompt, and the key of that."""
    keys = [prompt_key(*row) for row in rows.select("task", "painted", "source").iter_rows()]
    return rows.with_columns(prompt="painted", key=pl.Series(keys, dtype=pl.String))
