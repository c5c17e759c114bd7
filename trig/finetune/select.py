"""Selection of training prompts and pictures."""

import polars as pl

from trig.errors import ParamsError
from trig.keys import content_key
from trig.params.finetune import Finetune
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


def keep(scores: pl.DataFrame, asked: pl.DataFrame, pair: Pair, settings: Finetune) -> pl.DataFrame:
    """Rejection sampling: the candidates whose expected scores are both high, balanced, and on average at least their prompt's mean.

    The per-prompt baseline keeps the adapter from learning easy prompts instead of picture quality.
    """
    wide = scores.pivot("dimension", index=CANDIDATE, values="expected", aggregate_function="first").join(
        asked.select(*CANDIDATE, "prompt"), on=CANDIDATE, maintain_order="left"
    )
    x, y = pl.col(pair.x.value), pl.col(pair.y.value)
    good = (pl.min_horizontal(x, y) >= settings.keep_above) & ((x - y).abs() <= settings.max_gap)
    better = (x + y) >= (x + y).mean().over("prompt")
    return wide.drop_nulls([pair.x.value, pair.y.value]).filter(good & better).select(*CANDIDATE, "prompt")
