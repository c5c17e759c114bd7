"""Classifies the relation of each pair of dimensions, per model, with evidence: stability, confidence intervals, significance."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trig.classify.arrays import Floats, Ints, Places
from trig.classify.evidence import DENSITIES, p_value, weigh
from trig.classify.resampling import STATISTICS, resampled
from trig.classify.rule import VERDICTS, Counts, count, leaning, partition, verdicts
from trig.classify.samples import KEY, Samples, gather, grouped
from trig.classify.stack import Clouds
from trig.classify.summary import Summary, sort_sides, summarise
from trig.errors import TableError
from trig.memory import cores, require
from trig.params.thresholds import Thresholds
from trig.stats.fdr import q_values
from trig.store import Store
from trig.tables.kinds import DIMENSION, EVIDENCE, KIND, RELATION
from trig.tables.relations import RELATIONS
from trig.vocabulary.relations import Kind, Relation, Support

PER_RESAMPLE, PER_SHUFFLE = 8, 150
"""Bytes of memory per point of the largest cloud, for each resample and for each permutation."""
COUNTS = ("n", "synergy", "bottleneck", "tradeoff", "above", "below")
COLUMNS = tuple("stability runner_up runner_up_share tilt_p conflict_p".split()) + tuple(
    f"{name}_{end}" for name in (*STATISTICS, *DENSITIES) for end in ("low", "high")
)
COUNTED = ("n", "nulls", "n_synergy", "n_bottleneck", "relation")


def relations(
    scores: pl.DataFrame,
    thresholds: Thresholds,
    roots: pl.DataFrame | None = None,
    each: Callable[..., Iterable[Any]] = map,
    store: Store | None = None,
) -> pl.DataFrame:
    """Relations table: one row for each model, task and pair that has scores.

    The rule (paper, section 3.3), first match wins: *synergy* when the density of R_S reaches `synergy_density`; *bottleneck* when that of
    R_B reaches `bottleneck_density`; *tilt* when max(N_a, N_b) / min(N_a, N_b) reaches `tilt_ratio`; *dispersion* when rho over all points
    is at most `dispersion_corr`. Rule `reference`, that of the published scripts except as below, has four strict inequalities: points on
    a region's limit are outside it, and a ratio or a rho exactly at its limit does not count.

    Where the published rule is silent:

    - The line is ordinary least squares of y on x over R_T, in the canonical order of the pair, so naming a pair either way gives the same
      verdict.
    - Points on the line count for neither side. An empty side is the strongest tilt when the other is not empty, and no tilt when both are.
    - A point is a picture, and `min_points` counts prompts: with several seeds per prompt it is taken times these, so that more seeds of few
      prompts are no more of a verdict.
    - With fewer than `min_points` points in R_T, or constant x, there is no line and no tilt; slope and intercept are null.
    - A tilt leans to y when more points lie above the line, to x when more lie below. That measures skewed residuals, not the higher mean,
      which is `favoured`.
    - A constant side, or fewer than three points, has no rho (null) and is no dispersion.
    - Fewer than `min_points` points scored on both dimensions are *too few*: counts, but no verdict.
    - None of the four is *none*. A pair without a judged sample has no row.
    - A sample with a missing score is counted in `nulls` and enters nothing else.

    Evidence (methods in `trig.classify.evidence`), null where `bootstraps` is 0 or the points are too few:

    - `favoured` is the dimension with the higher mean, null when the interval of mean_x - mean_y holds 0.
    - `kind` of a dispersion: *conflict* when rho's interval lies below 0, *loose* when it lies above, *independent* when it holds 0.
    - `tilt_q` and `conflict_q` are Benjamini-Hochberg q-values over all pairs and models of the table.
    - `evidence`: the test of a tilt is `tilt_p`, that of a dispersion `conflict_p`, since only a conflict is a trade-off; the others have
      none. *Supported* when stability reaches `supported_stability`, q is at most `fdr`, a dispersion is a conflict, and there are
      `enough_points` roots, whatever their copies, edits and seeds; *unsupported* when stability is below one half or p is above `fdr`; *weak* otherwise.

    `roots` maps each prompt to its root (task, data_id, root), the bootstrap cluster; without it each prompt is its own. `each` is a `map`
    over lists of equal length, such as that of a process pool. `store` caches the threshold-independent resamples.
    """
    samples = gather(scores, thresholds.score, roots)
    if samples.keys.is_empty():
        return pl.DataFrame(schema=dict(RELATIONS.columns))
    thresholds = samples.limits(thresholds)
    found, verdict, leans = _verdicts(samples.clouds, thresholds)
    names, evidence = named(verdict, leans, samples.keys["pair"]), _evidence(samples, verdict, found["rho"], thresholds, each, store)
    table = pl.concat([samples.keys, _numbers(found, samples.seeds, thresholds), names, evidence], how="horizontal")
    table = table.with_columns(favoured=_favoured(), kind=_kind())
    return table.with_columns(evidence=_support(thresholds)).select(list(RELATIONS.columns))


def counted(points: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """Columns `COUNTED` and key of the relations table, for a points table."""
    samples = grouped(points)
    thresholds = samples.limits(thresholds)
    found, verdict, leans = _verdicts(samples.clouds, thresholds)
    names = named(verdict, leans, samples.keys["pair"])
    return pl.concat([samples.keys, _numbers(found, samples.seeds, thresholds), names], how="horizontal").select(*KEY, *COUNTED)


def check_current(found: pl.DataFrame, points: pl.DataFrame, thresholds: Thresholds, where: Path) -> None:
    """Raises TableError unless the relations follow from these points and thresholds."""
    if not counted(points, thresholds).equals(found.sort(KEY).select(*KEY, *COUNTED)):
        raise TableError(f"{where}: made from other scores or thresholds than those at hand; run `dvc repro report`")


def measured(clouds: Clouds, thresholds: Thresholds) -> Iterator[tuple[Places, Summary, Counts]]:
    """Statistics of the observed clouds in stacks: cloud indices and their numbers, (clouds, 1)."""
    kind = thresholds.correlation
    for places, x, y, weights in clouds.stacks(kind):
        yield places, summarise(sort_sides(x, y), weights, kind), count(partition(x, y, thresholds), weights)


def named(verdict: Ints, leans: Ints, pairs: pl.Series) -> pl.DataFrame:
    """Columns `relation` and `leaning` of verdicts and leanings, (clouds,), in the form of `trig.classify.rule`."""
    sides = [pair.split("_")[int(lean > 0)] if lean else None for pair, lean in zip(pairs, leans.tolist(), strict=True)]
    relation = pl.Series("relation", [VERDICTS[index].value for index in verdict], RELATION)
    return pl.DataFrame([relation, pl.Series("leaning", sides, DIMENSION)])


def _verdicts(clouds: Clouds, thresholds: Thresholds) -> tuple[dict[str, Floats], Ints, Ints]:
    """Statistics of each cloud, NaN where undefined, its verdict as an index into `VERDICTS`, and its leaning; all (clouds,)."""
    found: dict[str, Floats] = {}
    verdict, leans = np.zeros((2, clouds.sizes.size), np.int64)
    for places, summary, counts in measured(clouds, thresholds):
        rule = verdicts(counts, summary.rho, thresholds)
        verdict[places], leans[places] = rule[:, 0], leaning(counts, rule)[:, 0]
        numbers = {name: getattr(counts, name) for name in (*COUNTS, *DENSITIES)} | summary._asdict() | counts.line._asdict()
        for name, values in numbers.items():
            found.setdefault(name, np.full(verdict.size, np.nan))[places] = values[:, 0]
    return found, verdict, leans


def _numbers(found: Mapping[str, Floats], seeds: int, thresholds: Thresholds) -> pl.DataFrame:
    """Columns of counts and statistics; the p-value of rho is that of as many points as there are prompts."""
    counts = {"n" if name == "n" else f"n_{name}": found[name].astype(np.int64) for name in COUNTS}
    rest = {name: values for name, values in found.items() if name not in COUNTS}
    p = p_value(found["rho"], np.ceil(found["n"] / seeds).astype(np.int64), thresholds.correlation)
    return pl.DataFrame(counts | rest | {"p_value": p}).with_columns(pl.col(pl.Float64).fill_nan(None))


def _evidence(
    samples: Samples, verdict: Ints, rho: Floats, thresholds: Thresholds, each: Callable[..., Iterable[Any]], store: Store | None
) -> pl.DataFrame:
    """Evidence columns, null where there is none."""
    clouds = samples.clouds.together(thresholds.min_points) if thresholds.bootstraps else {}
    enough, own = list(clouds), list(clouds.values())
    per_point = PER_RESAMPLE * thresholds.bootstraps + PER_SHUFFLE * thresholds.permutations
    at_once = min(cores(), len(own))  # one cloud per core
    require(at_once * max((cloud.x.size for cloud in own), default=0) * per_point, "params.yaml: thresholds.bootstraps, permutations")
    with nullcontext(store) if store else Store.passing() as kept:
        drawn = resampled(own, thresholds, each, kept)
    weighed = each(weigh, own, drawn, verdict[enough].tolist(), rho[enough].tolist(), [thresholds] * len(own))
    found = dict(zip(enough, weighed, strict=True))
    columns = {name: RELATIONS.columns[name] for name in COLUMNS}
    frame = pl.DataFrame([found.get(index, {}) for index in range(verdict.size)], schema=columns, orient="row")
    q = {f"{test}_q": q_values(frame[f"{test}_p"].fill_null(np.nan).to_numpy()) for test in ("tilt", "conflict")}
    return frame.with_columns(pl.Series(name, values).fill_nan(None) for name, values in q.items())


def _favoured() -> pl.Expr:
    """Dimension with the significantly higher mean."""
    low, high, sides = pl.col("mean_gap_low"), pl.col("mean_gap_high"), pl.col("pair").cast(pl.String).str.split("_")
    return pl.when(low > 0).then(sides.list.get(0)).when(high < 0).then(sides.list.get(1)).cast(DIMENSION)


def _kind() -> pl.Expr:
    """Kind of a dispersion, by the confidence interval of rho."""
    low, high = pl.col("rho_low"), pl.col("rho_high")
    kinds = pl.when(high < 0).then(pl.lit(Kind.CONFLICT.value)).when(low > 0).then(pl.lit(Kind.LOOSE.value))
    known = (pl.col("relation") == Relation.DISPERSION.value) & low.is_not_null()
    return pl.when(known).then(kinds.otherwise(pl.lit(Kind.INDEPENDENT.value))).cast(KIND)


def _support(thresholds: Thresholds) -> pl.Expr:
    """Evidence level, as `relations` defines it."""
    tilt, dispersion = (pl.col("relation") == relation.value for relation in (Relation.TILT, Relation.DISPERSION))
    p, q = (pl.when(tilt).then(pl.col(f"tilt_{name}")).when(dispersion).then(pl.col(f"conflict_{name}")).otherwise(0.0) for name in "pq")
    fails = (pl.col("stability") < 0.5) | (p > thresholds.fdr)
    conflict = ~dispersion | (pl.col("kind") == Kind.CONFLICT.value)
    enough = pl.col("clusters") >= thresholds.enough_points
    holds = (pl.col("stability") >= thresholds.supported_stability) & (q <= thresholds.fdr) & conflict & enough
    words = pl.when(fails).then(pl.lit(Support.UNSUPPORTED.value)).when(holds).then(pl.lit(Support.SUPPORTED.value))
    return pl.when(pl.col("stability").is_not_null()).then(words.otherwise(pl.lit(Support.WEAK.value))).cast(EVIDENCE)
