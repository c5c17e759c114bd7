"""Selection of training prompts."""

import numpy as np
import polars as pl

from trig.errors import ParamsError
from trig.keys import content_key
from trig.vocabulary.dimensions import Pair, Task

CANDIDATE = ("task", "data_id", "number")
"""What names a candidate."""


def candidates(
    prompts: pl.DataFrame, pair: Pair, count: int, wide: int | None = None, task: Task = Task.T2I, begin: int = 0
) -> pl.DataFrame:
    """Train prompts of a pair and task, repeated to `count` rows: `number`, from `begin` on, tells the repetitions apart, and each has its own key, hence
    its own seed.

    `wide`: so many prompts instead, spread evenly over all pairs that share a dimension with it, and asked about it. Raises ParamsError where
    there are no prompts.
    """
    train = prompts.filter(pl.col("split") == "train", pl.col("task").cast(pl.String) == task.value)
    own = train.filter(pl.col("pair") == str(pair)) if wide is None else _wide(train, pair, wide)
    if not own.height:
        raise ParamsError(f"params.yaml: annotate.train_per_subset: {pair} has no train prompts of {task.value}; ask for at least one")
    rounds = [
        own.with_columns(
            number=pl.lit(number, pl.Int32),
            key=pl.Series([content_key(prompt=key, candidate=number) for key in own["key"]], dtype=pl.String),
        )
        for number in range(begin, begin - (-count // own.height))
    ]
    return pl.concat(rounds).head(count)


def _wide(train: pl.DataFrame, pair: Pair, most: int) -> pl.DataFrame:
    shared = pl.col("pair").cast(pl.String).str.split("_").list.set_intersection([pair.x.value, pair.y.value]).list.len() > 0
    found = train.filter(shared).sort("task", "pair", "data_id")
    if found.height > most:
        found = found[np.linspace(0, found.height - 1, most).round().astype(int)]
    return found.with_columns(pair=pl.lit(str(pair)).cast(train.schema["pair"]))
