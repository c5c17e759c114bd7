"""Paired comparison of two runs or two models on the same prompts and seeds, with FDR control."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtr

from trig import tables
from trig.classify.arrays import Floats, Ints, integers
from trig.classify.draws import draws
from trig.classify.evidence import NEARLY_ONE
from trig.classify.rule import VERDICTS, count, leaning, partition, verdicts
from trig.classify.samples import of_points, points, roots, seeds_of
from trig.classify.summary import sort_sides, summarise
from trig.params.thresholds import Thresholds
from trig.stats.bootstrap import intervals
from trig.stats.clustered import Tested, clustered_mean
from trig.stats.fdr import q_values
from trig.tables.kinds import DIMENSION, PAIR, RELATION, TASK
from trig.tables.prompts import split
from trig.vocabulary.dimensions import Pair
from trig.vocabulary.relations import Relation

SAMPLE = ("task", "pair", "data_id", "number")
SCORES = ("x_a", "y_a", "x_b", "y_b")
TESTED = ("x", "y", "rho")


class Verdict(StrEnum):
    """Outcome of the test. *Not shown* does not prove equality."""

    CHANGED = "changed"
    NOT_SHOWN = "not shown"


VERDICT = pl.Enum([verdict.value for verdict in Verdict])
CHANGES = tables.Table(
    "changes",
    {
        "task": TASK,
        "pair": PAIR,
        "n": pl.Int64,  # samples (pictures) scored on both dimensions, on both sides
        "clusters": pl.Int64,  # root prompts (clusters) of these n samples
        "nulls": pl.Int64,  # paired samples dropped because a score is missing
        "unpaired": pl.Int64,  # samples without a partner of the same prompt and number on the other side
        **{
            f"{name}{end}": pl.Float64  # difference b - a of mean x, mean y or rho, its 95 % interval, p-value and q-value
            for name in TESTED
            for end in ("", "_low", "_high", "_p", "_q")
        },
        "rho_a": pl.Float64,
        "rho_b": pl.Float64,
        "relation_a": RELATION,  # over the n samples
        "relation_b": RELATION,
        "leaning_a": DIMENSION,  # favoured dimension of a tilt
        "leaning_b": DIMENSION,
        "differ": pl.Float64,  # share of resamples in which relation or leaning differs between the sides
        "change": VERDICT,  # null with too few samples for a test
    },
    ("task", "pair"),
    frozenset(f"{name}{end}" for name in TESTED for end in ("", "_low", "_high", "_p", "_q"))
    | {f"{name}_{side}" for name in ("rho", "leaning") for side in "ab"}
    | {"differ", "change"},
)


@dataclass(frozen=True, slots=True)
class Run:
    """Scores of one model (SCORES) and its prompts (PROMPTS)."""

    scores: pl.DataFrame
    prompts: pl.DataFrame


def changes(a: Run, b: Run, thresholds: Thresholds) -> pl.DataFrame:
    """Paired change from a to b: the table `CHANGES`, a row per task and pair with a sample on either side.

    Samples, which are pictures, are paired by task, pair, data_id and number when their prompt keys (prompt and source picture) are equal;
    only test prompts count. Seeds derive from the prompt, the number and the run's seed, so equal prompts start from the same noise unless
    that seed changed. Both sides use the same thresholds.

    **Means.** `x` and `y` are mean paired differences. Interval and p are cluster-robust (`trig.stats.clustered.clustered_mean`), clusters being
    root prompts with their copies, edits and seeds; with one sample per root they equal the paired t-test's.

    **Rho.** Paired cluster bootstrap: roots are resampled once for both sides. 95 % percentile interval of the difference; p is two-sided,
    the difference of Fisher's z over its bootstrap standard error, by Student's t with G - 2 degrees of freedom (G roots).

    **Change.** q-values are Benjamini-Hochberg over the three p-values of all pairs. A pair is *changed* when one of its q ≤ `fdr`. No test
    below `min_points` prompts; only the means without `bootstraps`. `differ` is descriptive: it is large wherever scores lie near a
    threshold.
    """
    of_pairs = list(paired(a, b, thresholds.score))
    limits = limits_of(of_pairs, thresholds)
    rows = [_pair(samples, limits) for samples in of_pairs]
    schema = {name: kind for name, kind in CHANGES.columns.items() if not name.endswith("_q") and name != "change"}
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort(*CHANGES.key)
    p = np.concatenate([frame[f"{name}_p"].fill_null(np.nan).to_numpy() for name in TESTED])
    q = {f"{name}_q": values for name, values in zip(TESTED, np.split(q_values(p), len(TESTED)), strict=True)}
    frame = frame.with_columns(pl.Series(name, values, pl.Float64).fill_nan(None) for name, values in q.items())
    least = pl.min_horizontal(f"{name}_q" for name in TESTED)
    words = (
        pl.when(least <= thresholds.fdr).then(pl.lit(Verdict.CHANGED.value)).when(least.is_not_null()).then(pl.lit(Verdict.NOT_SHOWN.value))
    )
    return tables.check(frame.with_columns(change=words), CHANGES, "changes")


def paired(a: Run, b: Run, column: str) -> Iterator[pl.DataFrame]:
    """Samples of each task and pair: scores on both sides, `paired` (same prompt), and root prompt."""
    one, other = (_points(run, column).rename({"x": f"x_{side}", "y": f"y_{side}"}) for run, side in ((a, "a"), (b, "b")))
    both = one.join(other, on=SAMPLE, how="full", coalesce=True, validate="1:1")
    both = both.with_columns(paired=pl.col("key").eq(pl.col("key_right")).fill_null(False))
    both = both.join(roots(b.prompts), on=("task", "data_id"), how="left").sort(SAMPLE)
    yield from both.partition_by("task", "pair", maintain_order=True)


def limits_of(of_pairs: Sequence[pl.DataFrame], thresholds: Thresholds) -> Thresholds:
    """Thresholds of these paired samples: see `of_points`."""
    return of_points(thresholds, max((seeds_of(samples.filter("paired")) for samples in of_pairs), default=1))


def _points(run: Run, column: str) -> pl.DataFrame:
    keys = split(run.prompts, "test").select("task", "data_id", "key")
    return points(run.scores, column).drop("model").join(keys, on=("task", "data_id"), how="inner", validate="m:1")


def _pair(samples: pl.DataFrame, thresholds: Thresholds) -> dict[str, Any]:
    """Row of one pair, without q-values and verdict."""
    same = samples.filter("paired")
    whole = same.drop_nulls(SCORES)
    x_a, y_a, x_b, y_b = (whole[name].to_numpy().astype(np.float64) for name in SCORES)
    _, groups = np.unique(whole["root"].to_numpy(), return_inverse=True)
    row = {
        "task": samples["task"][0],
        "pair": samples["pair"][0],
        "n": whole.height,
        "clusters": int(groups.max(initial=-1)) + 1,
        "nulls": same.height - whole.height,
        "unpaired": samples.height - same.height,
    }
    if whole.is_empty():
        return row | dict.fromkeys(("relation_a", "relation_b"), Relation.TOO_FEW.value)
    sides = ((x_a, y_a), (x_b, y_b))
    once = np.ones((whole.height, 1), integers(whole.height))
    (rho_a, *verdict_a), (rho_b, *verdict_b) = (_measured(*side, [once], thresholds) for side in sides)
    row |= _verdict("a", row["pair"], rho_a, *verdict_a) | _verdict("b", row["pair"], rho_b, *verdict_b)
    if whole.height < thresholds.min_points:
        return row
    row |= _named("x", clustered_mean(x_b - x_a, groups)) | _named("y", clustered_mean(y_b - y_a, groups))
    if not thresholds.bootstraps:
        return row
    drawn = draws(groups, thresholds.bootstraps, thresholds.permutations).resamples
    (again_a, *verdict_a), (again_b, *verdict_b) = (_measured(*side, drawn, thresholds) for side in sides)
    found = rho_change((rho_a[0], rho_b[0]), (again_a, again_b), row["clusters"])
    return row | _named("rho", found) | {"differ": float(np.any(np.not_equal(verdict_a, verdict_b), axis=0).mean())}


def _measured(x: Floats, y: Floats, drawn: Sequence[Ints], thresholds: Thresholds) -> tuple[Floats, Ints, Ints]:
    """Rho, verdict and leaning per resample, (B,), of one side's points, (n,); `drawn` is blocks of weights, each (n, block)."""
    by_side, by_region = sort_sides(x[None], y[None]), partition(x[None], y[None], thresholds)
    found = []
    for weights in drawn:
        rho, counts = summarise(by_side, weights[None], thresholds.correlation).rho, count(by_region, weights[None])
        verdict = verdicts(counts, rho, thresholds)
        found.append((rho[0], verdict[0], leaning(counts, verdict)[0]))
    rhos, named, leanings = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return rhos, named, leanings


def _verdict(side: str, pair: str, rho: Floats, verdict: Ints, leans: Ints) -> dict[str, Any]:
    to = {1: Pair.parse(pair).y.value, -1: Pair.parse(pair).x.value}.get(int(leans[0]))
    return {f"rho_{side}": _known(rho[0]), f"relation_{side}": VERDICTS[verdict[0]].value, f"leaning_{side}": to}


def rho_change(rho: tuple[float, float], drawn: tuple[Floats, Floats], groups: int) -> Tested:
    """Paired difference rho_b - rho_a and its test from shared resamples, each (B,); `groups` is the number of roots. NaN: undefined."""
    change, resampled = rho[1] - rho[0], drawn[1] - drawn[0]
    if not np.isfinite(change):
        return Tested(None, None, None, None)
    ends = intervals({"rho": resampled})
    z_a, z_b = (np.arctanh(np.clip(np.r_[one, many], -NEARLY_ONE, NEARLY_ONE)) for one, many in zip(rho, drawn, strict=True))
    observed, *rest = z_b - z_a
    known = np.array(rest)[np.isfinite(rest)]
    if known.size < 2 or groups < 3:
        return Tested(change, ends["rho_low"], ends["rho_high"], None)
    spread = float(known.std(ddof=1))
    p = float(2 * stdtr(groups - 2, -abs(observed) / spread)) if spread > 0 else float(observed == 0)
    return Tested(change, ends["rho_low"], ends["rho_high"], p)


def _named(name: str, tested: Tested) -> dict[str, float | None]:
    return dict(zip((name, f"{name}_low", f"{name}_high", f"{name}_p"), tested, strict=True))


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
