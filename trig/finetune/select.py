"""Selection of training prompts."""

import polars as pl

from trig.errors import ParamsError
from trig.keys import content_key
from trig.vocabulary.dimensions import Pair

CANDIDATE = ("task", "data_id", "number")
"""What names a candidate."""


def candidates(prompts: pl.DataFrame, pair: Pair, count: int) -> pl.DataFrame:
    """Train prompts of a pair, repeated to `count` rows: `number` tells the repetitions apart, and each has its own key, hence its own seed."""
    own = prompts.filter((pl.col("split") == "train") & (pl.col("pair") == str(pair)))
    if not own.height:
        raise ParamsError(f"params.yaml: annotate.train_per_subset: {pair} has no train prompts; ask for at least one")
    rounds = [
        own.with_columns(
            number=pl.lit(number, pl.Int32),
            key=pl.Series([content_key(prompt=key, candidate=number) for key in own["key"]], dtype=pl.String),
        )
        for number in range(-(-count // own.height))
    ]
    return pl.concat(rounds).head(count)
