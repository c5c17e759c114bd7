"""Names the relation between the two dimensions of each subset, per model."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from trig import tables
from trig.classify.cloud import RELATIONS, Cloud, Floats, measure, regions, verdicts
from trig.classify.evidence import bootstrap, p_value, seed
from trig.dimensions import Dimension, Pair, Relation
from trig.params import Thresholds

KEY = ("model", "task", "pair")


def relations(scores: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """The relations table: one row for each model, task and pair that has scores.

    The rule (paper, section 3.3), first match wins: *synergy* when the share of points in R_S reaches `synergy_density`; *bottleneck* when
    the share in R_B reaches `bottleneck_density`; *tilt* when max(N_a, N_b) / min(N_a, N_b) reaches `tilt_ratio`; *dispersion* when
    Spearman's rho over all points is at most `dispersion_corr`. The rule `reference` differs in four signs: points on a region's limit
    are outside it, and a ratio or a rho exactly at its limit does not count. It is the published scripts' rule but for what is said below.

    Where the published rule is silent:

    - The line is least squares of y on x over the points of R_T, in the canonical order of the pair; so a pair has one verdict, however
      it is named.
    - Points on the line count for neither side. An empty side is the strongest tilt when the other is not empty, and no tilt when both are.
    - With fewer than `min_points` points in R_T, or one x for all of them, there is no line and no tilt; slope and intercept are null.
    - Tilt works both ways: more points above the line lean to y, more below lean to x. That counts skewed residuals and does not say which
      mean is higher; means and medians stand beside it.
    - A constant side, or fewer than three points, has no rho (null) and is no dispersion.
    - Fewer than `min_points` points scored on both sides are *too few*: the counts are there, a verdict is not.
    - None of the four is *none*. A pair of which no sample was judged has no row.
    - A sample with a score missing on either side is counted in `nulls` and enters nothing else.
    """
    rows = [_row(key, cloud, thresholds) for key, cloud in _clouds(scores, thresholds.score)]
    return pl.DataFrame(rows, schema=dict(tables.RELATIONS.columns), orient="row").sort(KEY)


def points(scores: pl.DataFrame, column: str) -> pl.DataFrame:
    """One row per sample with its score on the pair's two dimensions (`x`, `y`; null where missing), in the order of the key."""
    first, second = (pl.col("pair").cast(pl.String).str.split("_").list.get(side) for side in (0, 1))
    of = pl.col("dimension").cast(pl.String)
    return (
        scores.group_by(*KEY, "data_id")
        .agg(x=pl.col(column).filter(of == first).first(), y=pl.col(column).filter(of == second).first())
        .sort(*KEY, "data_id")
    )


def located(scores: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """The points with the `region` each lies in: R_S, R_B or R_T as the rule counts them; null where a score is missing."""
    found = points(scores, thresholds.score)
    x, y = (found[side].to_numpy() for side in ("x", "y"))
    where = regions(x, y, thresholds)
    names = pl.Series("region", np.select([where.synergy, where.bottleneck], ["R_S", "R_B"], "R_T"))
    return found.with_columns(region=pl.when(pl.col("x").is_not_null() & pl.col("y").is_not_null()).then(names))


def _clouds(scores: pl.DataFrame, column: str) -> Iterator[tuple[tuple[str, str, str], pl.DataFrame]]:
    for key, cloud in points(scores, column).group_by(KEY, maintain_order=True):
        model, task, pair = map(str, key)
        yield (model, task, pair), cloud


def _row(key: tuple[str, str, str], samples: pl.DataFrame, thresholds: Thresholds) -> dict[str, object]:
    scored = samples.drop_nulls(["x", "y"])
    x, y = scored["x"].to_numpy(), scored["y"].to_numpy()
    cloud = measure(x[None], y[None], thresholds)
    verdict = int(verdicts(cloud, thresholds)[0])
    evidence = bootstrap(x, y, verdict, thresholds, seed(*key))
    known = bool(np.isfinite(cloud.rho[0]))
    return {
        **dict(zip(KEY, key, strict=True)),
        "nulls": samples.height - scored.height,
        **_counts(cloud),
        "rho_low": evidence.rho_low if known else None,
        "rho_high": evidence.rho_high if known else None,
        "p_value": p_value(float(cloud.rho[0]), cloud.n),
        **_middles(x, y),
        "relation": RELATIONS[verdict].value,
        "leaning": _leaning(Pair.parse(key[2]), cloud) if RELATIONS[verdict] is Relation.TILT else None,
        "stability": evidence.stability,
    }


def _counts(cloud: Cloud) -> dict[str, object]:
    return {
        "n": cloud.n,
        "rho": _number(cloud.rho[0]),
        "n_synergy": int(cloud.synergy[0]),
        "n_bottleneck": int(cloud.bottleneck[0]),
        "n_tradeoff": int(cloud.tradeoff[0]),
        "density_synergy": cloud.synergy[0] / cloud.n if cloud.n else None,
        "density_bottleneck": cloud.bottleneck[0] / cloud.n if cloud.n else None,
        "n_above": int(cloud.above[0]),
        "n_below": int(cloud.below[0]),
        "slope": _number(cloud.slope[0]),
        "intercept": _number(cloud.intercept[0]),
    }


def _middles(x: Floats, y: Floats) -> dict[str, float | None]:
    sides = {"x": x, "y": y}
    means = {f"mean_{side}": float(values.mean()) if values.size else None for side, values in sides.items()}
    medians = {f"median_{side}": float(np.median(values)) if values.size else None for side, values in sides.items()}
    return means | medians


def _leaning(pair: Pair, cloud: Cloud) -> Dimension:
    return pair.y if cloud.above[0] > cloud.below[0] else pair.x


def _number(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
