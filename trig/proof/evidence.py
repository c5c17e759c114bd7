"""Changes from a base to its tuned model by a scorer, of figures, and of diversity: paired on test prompts and seeds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from trig import tables
from trig.classify.samples import rooted
from trig.errors import TableError
from trig.stats import paired
from trig.stats.drift import drift
from trig.tables.figures import DIVERSITY
from trig.tables.scores import SCORES
from trig.vocabulary.figures import Figure

PICTURE = ("task", "pair", "data_id", "number")


class Evidence(NamedTuple):
    """What `proof` wrote of a tuned model and its base; both with `root`, the number of the root prompt."""

    seen: pl.DataFrame  # SCORES of the second eye; empty without one
    diversity: pl.DataFrame  # DIVERSITY


def read(folder: Path, tuned: str, prompts: pl.DataFrame) -> Evidence:
    """Reads the folder of a tuned model. Raises TableError where there is none."""
    files = [(folder / tuned / f"{name}.parquet", table) for name, table in (("eye", SCORES), ("diversity", DIVERSITY))]
    if lacking := next((file for file, _ in files if not file.exists()), None):
        raise TableError(f"{lacking}: {tuned!r} is a tuned model of the roster and has none; run `dvc repro proof@{tuned}`")
    return Evidence(*(rooted(tables.read(file, table), prompts) for file, table in files))


def moved(figures: pl.DataFrame, base: str, tuned: str) -> list[dict[str, Any]]:
    """Paired change of each figure per task. `figures` is FIGURES of all models with `root`; a picture of several pairs counts once."""
    found = []
    for task, both in _paired(figures, base, tuned, list(Figure)).items():
        for name in Figure:
            own = both.drop_nulls([name.value, f"{name.value}_after"])
            if own.height > 1:
                before, after = own[name.value].to_numpy(), own[f"{name.value}_after"].to_numpy()
                far = drift(before, after)
                told = {"drift": far if np.isfinite(far) else None}
                found.append({"task": task, "figure": name.value, **_change(own, name.value), **told})
    return found


def spread(diversity: pl.DataFrame, base: str, tuned: str) -> list[dict[str, Any]]:
    """Paired change of the Vendi score per task; `lost` is the share of what is above 1, the score of equal pictures."""
    found = []
    for task, both in _paired(diversity.with_columns(number=pl.lit(0)), base, tuned, ["vendi"]).items():
        own = both.drop_nulls(["vendi", "vendi_after"])
        if own.height:
            told = _change(own, "vendi")
            found.append({"task": task, **told, "lost": max(0.0, -told["change"] / max(told["before"] - 1, 1e-9))})
    return found


def _paired(frame: pl.DataFrame, base: str, tuned: str, columns: list[str]) -> Mapping[str, pl.DataFrame]:
    """Rows of both models by task, in a fixed order."""
    shared = paired.once(paired.both(frame, base, tuned, PICTURE, ("key", *columns)))
    parts = shared.sort(*PICTURE).partition_by("task", as_dict=True, maintain_order=True)
    return {str(task): part for (task,), part in sorted(parts.items(), key=lambda one: str(one[0]))}


def _change(both: pl.DataFrame, name: str) -> dict[str, Any]:
    found = paired.moved(both, name)
    assert found  # a picture of both
    ends = {"change": found.change.value, "low": found.change.low, "high": found.change.high}
    return {"before": found.before, "after": found.after, **ends, "n": found.n}
