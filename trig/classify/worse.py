"""Changes for the worse from one run to another: paired by prompt, tested, and corrected over the family that was asked about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from trig import tables
from trig.classify.change import Run, limits_of, paired
from trig.errors import ParamsError, TableError
from trig.params.thresholds import Thresholds
from trig.stats.fdr import q_values
from trig.stats.paired import moved_by
from trig.tables.kinds import DIMENSION, PAIR, TASK
from trig.vocabulary.dimensions import Dimension, Pair, dimension

WORSE = "worse"
OF_EACH = ("dimension", "pair")
"""Families without a name: every dimension over all of its pairs, and both dimensions of every pair."""
SIDES = (("x", "x_a", "x_b"), ("y", "y_a", "y_b"))
TESTED = {"before": pl.Float64, "after": pl.Float64, "change": pl.Float64, "low": pl.Float64, "high": pl.Float64, "p": pl.Float64}
DROPS = tables.Table(
    "drops",
    {
        "task": TASK,
        "pair": PAIR,  # null: all pairs of the dimension
        "dimension": DIMENSION,
        "n": pl.Int64,  # pictures scored on both sides, without repetitions
        "clusters": pl.Int64,  # their root prompts
        "nulls": pl.Int64,  # paired samples that lack a score on a side
        "unpaired": pl.Int64,  # samples without a partner of the same prompt and number on the other side
        **TESTED,  # means, their difference after - before, its 95 % interval and two-sided p; null with too few samples
        "q": pl.Float64,
        "worse": pl.Boolean,  # null: not tested
    },
    ("task", "pair", "dimension"),
    frozenset({"pair", *TESTED, "q", "worse"}),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Family of tests: `worse`, or `worse:` and a dimension, a pair, or one of `OF_EACH`."""

    name: str
    each_pair: bool
    dimension: Dimension | None = None
    pair: Pair | None = None

    @classmethod
    def parse(cls, said: str) -> Self:
        """Parses the option; raises ParamsError with what it may be."""
        word, _, what = said.partition(":")
        if word != WORSE or (said.endswith(":")):
            raise ParamsError(f"--fail-on: {said!r} is not one of worse, worse:dimension, worse:pair, worse:TA-C or worse:IQ-R_TA-S")
        if what in ("", *OF_EACH):
            return cls(said, what == "pair")
        return cls(said, True, pair=Pair.parse(what)) if "_" in what else cls(said, False, dimension(what))


def drops(a: Run, b: Run, asked: Asked, by: float, thresholds: Thresholds) -> pl.DataFrame:
    """The table `DROPS` from a to b, a row per test of the family. Raises TableError when none of them could be made.

    Samples are paired as in `trig.classify.change.changes`; a picture of several pairs counts once over all of them. Differences are tested
    against 0 by cluster-robust t-tests, clusters being root prompts. q-values are Benjamini-Hochberg over the family. A dimension is *worse*
    when its q is at most `fdr` and its mean fell, by `by` or more: so a drop that is shown and smaller is let pass, and where nothing has
    changed a family has a false alarm in at most `fdr` / 2 of all cases.
    """
    of_pairs = list(paired(a, b, thresholds.score))
    least = limits_of(of_pairs, thresholds).min_points
    rows = [_row(samples, key, least) for key, samples in _families(of_pairs, asked)]
    schema = {name: kind for name, kind in DROPS.columns.items() if name not in ("q", "worse")}
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("task", "pair", "dimension")
    q = q_values(frame["p"].fill_null(np.nan).to_numpy())
    frame = frame.with_columns(pl.Series("q", q, pl.Float64).fill_nan(None))
    if frame["q"].null_count() == frame.height:
        counts = ", ".join(map(repr, frame["n"].unique().sort())) or "no"
        raise TableError(
            f"--fail-on: {asked.name!r} could not be tested: {counts} samples have a partner and both scores, {least} are needed"
        )
    fell = (pl.col("q") <= thresholds.fdr) & (pl.col("change") < 0) & (-pl.col("change") >= by)
    return tables.check(frame.with_columns(worse=fell), DROPS, "drops")


def _families(of_pairs: Sequence[pl.DataFrame], asked: Asked) -> Iterator[tuple[tuple[Any, ...], pl.DataFrame]]:
    """Samples of each test, with `before` and `after`, by task, pair and dimension."""
    sides = [_side(samples, side, before, after) for samples in of_pairs for side, before, after in SIDES]
    if not sides:
        return
    every = pl.concat(sides)
    if asked.dimension:
        every = every.filter(pl.col("dimension") == asked.dimension.value)
    if asked.pair:
        every = every.filter(pl.col("pair") == str(asked.pair))
    if not asked.each_pair:
        every = every.with_columns(pair=pl.lit(None, PAIR)).unique(
            ["task", "dimension", "number", "key", "key_right"], keep="first", maintain_order=True
        )
    yield from every.partition_by("task", "pair", "dimension", as_dict=True, maintain_order=True).items()


def _side(samples: pl.DataFrame, side: str, before: str, after: str) -> pl.DataFrame:
    code = getattr(Pair.parse(samples["pair"][0]), side)
    return samples.select(
        *("task", "pair", "number", "key", "key_right", "root", "paired"),
        dimension=pl.lit(code.value, DIMENSION),
        before=pl.col(before).cast(pl.Float64),
        after=pl.col(after).cast(pl.Float64),
    )


def _row(samples: pl.DataFrame, key: tuple[Any, ...], least: int) -> dict[str, Any]:
    same = samples.filter("paired")
    whole = same.drop_nulls(["before", "after"])
    row = {
        **dict(zip(DROPS.key, key, strict=True)),
        "n": whole.height,
        "clusters": whole["root"].n_unique(),
        "nulls": same.height - whole.height,
        "unpaired": samples.height - same.height,
    }
    if whole.height < least:
        return row
    found = moved_by(*(whole[name].to_numpy() for name in ("before", "after", "root")))
    ends = dict(zip(("change", "low", "high", "p"), found.change, strict=True))
    return row | {"before": found.before, "after": found.after} | ends
