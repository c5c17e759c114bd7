"""Chooses the pairs that a tuned model is to repair."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from trig.classify.arrays import integers
from trig.classify.rule import VERDICTS, count, partition, verdicts
from trig.classify.summary import sort_sides, summarise
from trig.errors import TableError
from trig.params.finetune import AUTO, RANDOM, Finetune
from trig.params.thresholds import Thresholds
from trig.vocabulary.dimensions import Pair
from trig.vocabulary.relations import Relation

REPAIRED = (Relation.BOTTLENECK.value, Relation.TILT.value)
"""Relations that fine-tuning repairs first: both scores are low, or one is. A dispersion may be the judge's noise, and a synergy is to be kept."""
DRAWN = 4
"""Pairs of `random`: more would leave each prompt fewer pictures to compare."""


@dataclass(frozen=True, slots=True)
class Target:
    """Pairs to repair: choices in order of preference, the first of which with enough lessons is taken; those of a choice are learnt together."""

    choices: list[list[Pair]]
    ranking: pl.DataFrame


def ranking(scores: pl.DataFrame, settings: Finetune) -> pl.DataFrame:
    """One row per pair, weakest first: `lower`, the mean of min(x, y) of expected scores; `keep_share`, the acceptance rate; `relation`.

    A low `lower` is a bottleneck, or a tilt's short side. The relation is by `finetune.map`, which a study of thresholds leaves alone, so that it
    retrains nothing. All is over the task of the lessons. Samples that lack a score are left out.
    """
    scores = scores.filter(pl.col("task").cast(pl.String) == settings.task.value)
    lower, own = pl.min_horizontal("x", "y"), _points(scores, "expected")
    kept = (lower >= settings.keep_above) & ((pl.col("x") - pl.col("y")).abs() <= settings.max_gap)
    found = own.group_by("pair", maintain_order=True).agg(lower=lower.mean(), keep_share=kept.mean(), n=pl.len())
    clouds = _points(scores, settings.map.score).partition_by("pair", as_dict=True)
    kinds = [_relation(clouds[name,], settings.map.thresholds) if (name,) in clouds else None for name in found["pair"]]
    return found.with_columns(relation=pl.Series(kinds, dtype=pl.String)).sort("lower", "pair")


def _points(scores: pl.DataFrame, column: str) -> pl.DataFrame:
    """Both scores of each sample: task, pair, data_id, number, x, y."""
    dimension, pair = pl.col("dimension").cast(pl.String), pl.col("pair").cast(pl.String).str.split("_")
    both = scores.group_by("task", "pair", "data_id", "number", maintain_order=True).agg(
        x=pl.col(column).filter(dimension == pair.list.first()).first(),
        y=pl.col(column).filter(dimension == pair.list.last()).first(),
    )
    return both.drop_nulls(["x", "y"])


def _relation(cloud: pl.DataFrame, thresholds: Thresholds) -> str | None:
    """Verdict of the rule; None for too few points."""
    if cloud.height < thresholds.min_points:
        return None
    x, y = (cloud[side].to_numpy()[None] for side in ("x", "y"))
    once = np.ones((1, cloud.height, 1), integers(cloud.height))
    rho = summarise(sort_sides(x, y), once, thresholds.correlation).rho
    return VERDICTS[int(verdicts(count(partition(x, y, thresholds), once), rho, thresholds)[0][0])].value


def target(scores: pl.DataFrame, settings: Finetune, seed: int, where: str, provable: frozenset[str] = frozenset()) -> Target:
    """What to repair. Raises TableError when no pair can be learnt from.

    auto: bottlenecks and tilts before others, those that a second eye can prove (both dimensions `provable`) before others, the weakest first.
    random: the control, `DRAWN` of them at random.
    """
    ranked = ranking(scores, settings)
    if settings.targets not in (AUTO, RANDOM):
        return Target([[Pair.parse(name) for name in settings.targets]], ranked)
    learnable = ranked.filter(pl.col("keep_share") >= settings.min_keep_share)
    if learnable.is_empty():
        raise TableError(
            f"{where}: no pair has {settings.min_keep_share:.0%} of pictures to learn from; lower finetune.keep_above or finetune.min_keep_share"
        )
    if settings.targets == RANDOM:
        drawn = np.random.default_rng(seed).permutation(learnable["pair"].sort().to_list())[:DRAWN]
        return Target([[Pair.parse(str(name)) for name in sorted(drawn)]], ranked)
    repaired = ~pl.col("relation").is_in(REPAIRED).fill_null(False)
    proven = pl.Series([not provable >= {*str(pair).split("_")} for pair in learnable["pair"]], dtype=pl.Boolean)
    ordered = learnable.with_columns(unproven=proven).sort(repaired, "unproven", "lower", "pair")
    return Target([[Pair.parse(pair)] for pair in ordered["pair"]], ranked)
