"""Which pictures an adapter learns from."""

from collections.abc import Sequence

import polars as pl

from trig.errors import ParamsError
from trig.keys import content_key
from trig.params.finetune import Finetune
from trig.vocabulary.dimensions import Pair


def candidates(prompts: pl.DataFrame, pair: Pair, count: int) -> pl.DataFrame:
    """Train prompts of a pair, each as often as it takes to have `count` rows, every repetition with a key of its own and so a seed of its own."""
    own = prompts.filter((pl.col("split") == "train") & (pl.col("pair") == str(pair)))
    if not own.height:
        raise ParamsError(f"params.yaml: annotate.train_per_subset: {pair} has no train prompts; ask for at least one")
    rounds = [
        own.with_columns(
            data_id=pl.col("data_id") + f"-{number}",
            key=pl.Series([content_key(prompt=key, candidate=number) for key in own["key"]], dtype=pl.String),
        )
        for number in range(-(-count // own.height))
    ]
    return pl.concat(rounds).head(count)


def keep(scores: pl.DataFrame, asked: pl.DataFrame, pair: Pair, settings: Finetune) -> Sequence[str]:
    """The data_ids of pictures whose two expected scores are both high and close together, and on the mean no worse than their prompt's others.

    Were only the scores' height to count, an adapter would learn from the prompts that are easy, and not what makes a picture good.
    """
    wide = scores.pivot("dimension", index="data_id", values="expected", aggregate_function="first").join(
        asked.select("data_id", "prompt"), on="data_id", maintain_order="left"
    )
    x, y = pl.col(pair.x.value), pl.col(pair.y.value)
    good = (pl.min_horizontal(x, y) >= settings.keep_above) & ((x - y).abs() <= settings.max_gap)
    better = (x + y) >= (x + y).mean().over("prompt")
    return wide.drop_nulls([pair.x.value, pair.y.value]).filter(good & better)["data_id"].to_list()
