"""Uncertainty of a verdict: cluster bootstrap stability and confidence intervals, significance tests of tilts and negative correlations."""

from collections import Counter
from typing import Any

import numpy as np
from scipy.special import stdtr

from trig.classify.arrays import Floats, Ints, Numbers, Places, product
from trig.classify.draws import draws
from trig.classify.resampling import Resampled
from trig.classify.rule import ON_THE_LINE, VERDICTS, count, fit, levels, partition, scaled, verdicts
from trig.classify.stack import Cloud
from trig.params.thresholds import Correlation, Thresholds
from trig.stats.bootstrap import intervals

DENSITIES = ("density_synergy", "density_bottleneck")
NEARLY_ONE = 1 - 1e-6
"""Correlations are clipped to ±this: Fisher's z is infinite at ±1."""


def weigh(cloud: Cloud, resampled: Resampled, verdict: int, rho: float, thresholds: Thresholds) -> dict[str, Any]:
    """Evidence columns of one cloud. `verdict` is an index into `VERDICTS`, `rho` NaN where undefined.

    **Bootstrap.** Cluster bootstrap: roots are drawn with replacement, each with all its points, since copies, edits and seeds of one prompt
    are dependent. The whole rule runs on each resample: *stability* is the share that gives the verdict, *runner-up* the most frequent other
    one (none when all agree). 95 % percentile intervals; resamples with undefined rho are left out of rho's. Intervals are unreliable with
    few roots.

    **Tilt.** `tilt_p` is the larger p-value of two tests (intersection-union). (1) Sign test: the sign of each root's balance (points above
    less points below) is random; two-sided, normal approximation with continuity correction. (2) Permutation test of independence: y is
    shuffled against x, whole roots among roots of equal size, and regions, line and balance are computed anew, since clipped corners and
    skewed scores unbalance independent scores too; p is twice Student's t tail of the observed balance under permutation. Null without a line.

    **Conflict.** `conflict_p` is one-sided for rho < 0: Fisher's z of rho over its bootstrap standard error, by Student's t with G - 2
    degrees of freedom (G roots). Null without a rho.
    """
    drawn = draws(cloud.groups, thresholds.bootstraps, thresholds.permutations)
    clouds = partition(cloud.x[None], cloud.y[None], thresholds)
    blocks = [count(clouds, weights[None]) for weights in drawn.resamples]
    ends = np.cumsum([block.n.size for block in blocks])[:-1]
    rhos = np.split(resampled.rho, ends)
    found = [verdicts(block, own[None], thresholds)[0] for block, own in zip(blocks, rhos, strict=True)]
    densities = {name: np.concatenate([getattr(block, name)[0] for block in blocks]) for name in DENSITIES}
    return {
        **_stability(np.concatenate(found), verdict),
        **resampled.ends,
        **intervals(densities),
        "tilt_p": tilt_p(cloud, drawn.orders, thresholds),
        "conflict_p": conflict_p(rho, resampled.rho, int(cloud.groups.max()) + 1),
    }


def tilt_p(cloud: Cloud, orders: Places, thresholds: Thresholds) -> float | None:
    """Intersection-union p of the two tilt tests, see `weigh`; `orders` is (n, P) permutations of y. None without a line."""
    side = sides(cloud.x, cloud.y, np.arange(cloud.x.size)[:, None], thresholds)
    if not side.any():
        return None
    shuffled = sides(cloud.x, cloud.y, orders, thresholds)
    return max(_sign_test(np.bincount(cloud.groups, weights=side[:, 0])), _permutation_test(balance(side)[0], balance(shuffled)))


def sides(x: Floats, y: Floats, orders: Places, thresholds: Thresholds) -> Ints:
    """Side of the regression line of each point of R_T: 1 above, -1 below, 0 elsewhere; (n, P) for x against y in each order, (n, P)."""
    level = levels(x, thresholds)[:, None]
    inside = (level == 0) | (level != levels(y, thresholds)[orders])  # in R_T
    u, v = (scaled(values[None], np.ones((1, values.size), dtype=bool)) for values in (x, y))
    across, up = u.values[0], v.values[0][orders]
    line = fit(_moments(inside.astype(np.float64), across, up)[None], thresholds.min_points)
    over = np.where(inside, up, np.nan)  # NaN: on neither side
    over -= product(np.stack([across, np.ones_like(across)], axis=1)[None], np.stack([line.slope, line.intercept], axis=1))[0]
    over *= v.half
    found: Ints = (over > ON_THE_LINE).view(np.int8) - (over < -ON_THE_LINE).view(np.int8)
    return found


def _moments(inside: Floats, u: Floats, v: Floats) -> Floats:
    """Inputs of `fit`: count and sums of u, v, u² and u·v over the points inside, (5, P)."""
    powers: Floats = np.stack([np.ones_like(u), u, u * u])[None]
    of_u, of_v = product(powers, inside[None])[0], product(powers[:, :2], (inside * v)[None])[0]
    return np.stack([of_u[0], of_u[1], of_v[0], of_u[2], of_v[1]])


def balance(side: Ints) -> Floats:
    """(above - below) / (above + below) per column, -1..1; 0 where both are 0."""
    found: Floats = side.sum(axis=0, dtype=np.int64) / np.maximum(np.abs(side).sum(axis=0, dtype=np.int64), 1)
    return found


def _sign_test(balances: Numbers) -> float:
    """Two-sided p-value of a weighted sign test on the clusters' balances."""
    moved = balances[balances != 0]
    if not moved.size:
        return 1.0
    size = np.abs(moved)
    z = max(abs(moved.sum()) - size.mean(), 0.0) / np.sqrt((size * size).sum())
    return float(2 * stdtr(np.inf, -z))


def _permutation_test(observed: float, shuffled: Floats) -> float:
    """Doubled one-sided p-value of the observed balance in the permutation distribution."""
    spread = shuffled.std(ddof=1)
    beyond = np.sign(observed) * (observed - shuffled.mean())
    return min(1.0, float(2 * stdtr(shuffled.size - 1, -beyond / spread))) if spread > 0 else 1.0


def conflict_p(rho: float, resampled: Floats, groups: int) -> float | None:
    """One-sided p-value of H0: rho ≥ 0, see `weigh`; None where rho or its standard error is undefined."""
    known = resampled[np.isfinite(resampled)]
    if not np.isfinite(rho) or known.size < 2 or groups < 3:
        return None
    z, spread = np.arctanh(np.clip(rho, -NEARLY_ONE, NEARLY_ONE)), np.arctanh(np.clip(known, -NEARLY_ONE, NEARLY_ONE)).std(ddof=1)
    return float(stdtr(groups - 2, z / spread)) if spread > 0 else float(rho >= 0)


def p_value(rho: Floats, n: Ints, kind: Correlation) -> Floats:
    """Two-sided p-value of each rho under independence, for independent points; NaN where rho is undefined.

    Student's t with n - 2 degrees of freedom; for Kendall's tau-b the normal approximation without ties. Approximate for small n,
    anti-conservative where prompts repeat.
    """
    n = np.maximum(n, 3).astype(np.float64)
    if kind == "kendall":
        return np.asarray(2 * stdtr(np.inf, -np.abs(rho) * np.sqrt(9 * n * (n - 1) / (4 * n + 10))))
    rest = 1 - rho * rho
    t = np.full(rho.shape, np.inf)
    np.divide(np.abs(rho) * np.sqrt(n - 2), np.sqrt(rest), out=t, where=~(rest <= 0))
    return np.asarray(2 * stdtr(n - 2, -t))


def _stability(found: Ints, verdict: int) -> dict[str, Any]:
    counts = Counter(found.tolist())
    others = sorted((-count, index) for index, count in counts.items() if index != verdict)
    share = {"stability": counts[verdict] / found.size, "runner_up": None, "runner_up_share": None}
    if not others:
        return share
    count, index = others[0]
    return share | {"runner_up": VERDICTS[index].value, "runner_up_share": -count / found.size}
