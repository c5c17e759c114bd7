"""Classifies the relation of each pair of dimensions, per model, with evidence: stability, confidence intervals, significance."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trig.classify.cloud import VERDICTS, Central, Counts, central, count, placed, ranked, verdicts
from trig.classify.evidence import DENSITIES, p_value, resample, weigh
from trig.classify.order import Floats, Ints, Places, integers
from trig.classify.samples import KEY, Samples, gather, grouped
from trig.classify.stack import Clouds
from trig.errors import TableError
from trig.keys import content_key
from trig.memory import cores, require
from trig.params.thresholds import Correlation, Thresholds
from trig.stats.fdr import q_values
from trig.store import Store, fill
from trig.tables.kinds import DIMENSION
from trig.tables.relations import EVIDENCE, INTERVALS, KIND, RELATION, RELATIONS
from trig.vocabulary.relations import Kind, Relation, Support

SHELF = "resamples"
RESAMPLING = 1
"""Cache version: raise it when output-affecting code of the resampling changes."""
BATCH = 64
PER_RESAMPLE, PER_SHUFFLE = 8, 150
"""Bytes of memory per point of the largest cloud, for each resample and for each permutation."""
COUNTS = ("n", "synergy", "bottleneck", "tradeoff", "above", "below")
COLUMNS = tuple("stability runner_up runner_up_share tilt_p conflict_p".split()) + tuple(
    f"{name}_{end}" for name in INTERVALS for end in ("low", "high")
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
      `enough_points` roots; *unsupported* when stability is below one half or p is above `fdr`; *weak* otherwise.

    `roots` maps each prompt to its root (task, data_id, root), the bootstrap cluster; without it each prompt is its own. `each` is a `map`
    over lists of equal length, such as that of a process pool. `store` caches the threshold-independent resamples.
    """
    samples = gather(scores, thresholds.score, roots)
    if samples.keys.is_empty():
        return pl.DataFrame(schema=dict(RELATIONS.columns))
    found, verdict = _judged(samples.clouds, thresholds)
    parts = [samples.keys, _numbers(found, thresholds), _names(verdict), _evidence(samples, verdict, found["rho"], thresholds, each, store)]
    table = pl.concat(parts, how="horizontal").with_columns(leaning=_leaning(), favoured=_favoured(), kind=_kind())
    return table.with_columns(evidence=_support(thresholds)).select(list(RELATIONS.columns))


def counted(points: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """Columns `COUNTED` and key of the relations table, for a points table."""
    samples = grouped(points)
    found, verdict = _judged(samples.clouds, thresholds)
    return pl.concat([samples.keys, _numbers(found, thresholds), _names(verdict)], how="horizontal").select(*KEY, *COUNTED)


def check_current(found: pl.DataFrame, points: pl.DataFrame, thresholds: Thresholds, where: Path) -> None:
    """Raises TableError unless the relations follow from these points and thresholds."""
    if not counted(points, thresholds).equals(found.sort(KEY).select(*KEY, *COUNTED)):
        raise TableError(f"{where}: made from other scores or thresholds than those at hand; run `dvc repro report`")


def measured(clouds: Clouds, thresholds: Thresholds) -> Iterator[tuple[Places, Central, Counts]]:
    """Statistics of the observed clouds in batches: cloud indices and their numbers, (clouds, 1)."""
    for batch, x, y, weights in stacked(clouds, thresholds.correlation):
        yield batch, central(ranked(x, y), weights, thresholds.correlation), count(placed(x, y, thresholds), weights, thresholds)


def stacked(clouds: Clouds, kind: Correlation) -> Iterator[tuple[Places, Floats, Floats, Ints]]:
    """Padded batches of the observed clouds: cloud indices, x and y, (G, n), and weights 0 or 1, (G, n, 1)."""
    for batch in clouds.batches(width=int(clouds.sizes.max(initial=1)) if kind == "kendall" else 1):
        x, y, there = clouds.stack(batch)
        yield batch, x, y, there[:, :, None].astype(integers(x.shape[1]))


def _judged(clouds: Clouds, thresholds: Thresholds) -> tuple[dict[str, Floats], Ints]:
    """Statistics of each cloud, NaN where undefined, and its verdict as an index into `VERDICTS`; all (clouds,)."""
    found: dict[str, Floats] = {}
    verdict = np.zeros(clouds.sizes.size, np.int64)
    for batch, place, counts in measured(clouds, thresholds):
        verdict[batch] = verdicts(counts, place.rho, thresholds)[:, 0]
        numbers = {name: getattr(counts, name) for name in (*COUNTS, *DENSITIES)} | place._asdict() | counts.line._asdict()
        for name, values in numbers.items():
            found.setdefault(name, np.full(verdict.size, np.nan))[batch] = values[:, 0]
    return found, verdict


def _names(verdict: Ints) -> pl.DataFrame:
    return pl.Series("relation", [VERDICTS[place].value for place in verdict], RELATION).to_frame()


def _numbers(found: Mapping[str, Floats], thresholds: Thresholds) -> pl.DataFrame:
    """Columns of counts and statistics."""
    counts = {"n" if name == "n" else f"n_{name}": found[name].astype(np.int64) for name in COUNTS}
    rest = {name: values for name, values in found.items() if name not in COUNTS}
    p = p_value(found["rho"], found["n"].astype(np.int64), thresholds.correlation)
    return pl.DataFrame(counts | rest | {"p_value": p}).with_columns(pl.col(pl.Float64).fill_nan(None))


def _evidence(
    samples: Samples, verdict: Ints, rho: Floats, thresholds: Thresholds, each: Callable[..., Iterable[Any]], store: Store | None
) -> pl.DataFrame:
    """Evidence columns, null where there is none."""
    clouds = samples.clouds
    by_size = np.argsort(clouds.sizes, kind="stable")  # equal-sized clouds may share cached draws
    enough = by_size[clouds.sizes[by_size] >= thresholds.min_points].tolist() if thresholds.bootstraps else []
    own = [clouds.one(place) for place in enough]
    per_point = PER_RESAMPLE * thresholds.bootstraps + PER_SHUFFLE * thresholds.permutations
    at_once = min(cores(), len(own))  # one cloud per core
    require(at_once * int(clouds.sizes[enough].max(initial=0)) * per_point, "params.yaml: thresholds.bootstraps, permutations")
    x, y = ([side[one] for one in own] for side in (clouds.x, clouds.y))
    groups = [np.unique(clouds.root[one], return_inverse=True)[1] for one in own]
    limits = [thresholds] * len(own)
    with nullcontext(store) if store else Store.passing() as kept:
        resampled = _resampled(list(zip(x, y, groups, strict=True)), thresholds, each, kept)
    found = dict(zip(enough, each(weigh, x, y, groups, resampled, verdict[enough].tolist(), rho[enough].tolist(), limits), strict=True))
    columns = {name: RELATIONS.columns[name] for name in COLUMNS}
    frame = pl.DataFrame([found.get(place, {}) for place in range(verdict.size)], schema=columns, orient="row")
    q = {f"{test}_q": q_values(frame[f"{test}_p"].fill_null(np.nan).to_numpy()) for test in ("tilt", "conflict")}
    return frame.with_columns(pl.Series(name, values).fill_nan(None) for name, values in q.items())


def _resampled(
    clouds: Sequence[tuple[Floats, Floats, Places]], thresholds: Thresholds, each: Callable[..., Iterable[Any]], store: Store
) -> list[bytes]:
    """`resample` of each cloud, cached in the store."""
    asked = {"bootstraps": thresholds.bootstraps, "correlation": thresholds.correlation, "resampling": RESAMPLING}
    keys = [content_key(x=x.tobytes(), y=y.tobytes(), groups=groups.tobytes(), **asked) for x, y, groups in clouds]

    def work(missing: list[tuple[Floats, Floats, Places]]) -> Iterator[tuple[int, bytes]]:
        return enumerate(each(resample, *map(list, zip(*missing, strict=True)), [thresholds] * len(missing)))

    for _ in fill(store, SHELF, dict(zip(keys, clouds, strict=True)), work, BATCH):
        pass
    kept = store.get(SHELF, keys)
    return [kept[key] for key in keys]


def _leaning() -> pl.Expr:
    """Favoured dimension of a tilt."""
    tilts = pl.col("relation") == Relation.TILT.value
    return pl.when(tilts).then(_side(pl.col("n_above") > pl.col("n_below"))).cast(DIMENSION)


def _favoured() -> pl.Expr:
    """Dimension with the significantly higher mean."""
    low, high = pl.col("mean_gap_low"), pl.col("mean_gap_high")
    return pl.when((low > 0) | (high < 0)).then(_side(high < 0)).cast(DIMENSION)


def _side(second: pl.Expr) -> pl.Expr:
    """Second dimension of the pair where the condition holds, else the first."""
    codes = pl.col("pair").cast(pl.String).str.split("_")
    return pl.when(second).then(codes.list.get(1)).otherwise(codes.list.get(0))


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
