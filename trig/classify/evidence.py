"""Uncertainty of a verdict: cluster bootstrap stability and confidence intervals, significance tests of tilts and negative correlations."""

from collections import Counter
from typing import Any

import numpy as np
from scipy.special import stdtr

from trig.classify.cloud import ON_THE_LINE, VERDICTS, Central, central, count, fit, levels, placed, ranked, scaled, verdicts
from trig.classify.draws import draws
from trig.classify.order import Floats, Ints, Numbers, Places, product
from trig.params.thresholds import Correlation, Thresholds
from trig.stats.bootstrap import LEVELS, intervals
from trig.tables.relations import INTERVALS

DENSITIES = ("density_synergy", "density_bottleneck")
CENTRAL = tuple(name for name in INTERVALS if name not in DENSITIES)
"""Threshold-independent statistics with a confidence interval."""
ENDS = tuple(f"{name}_{end}" for end in LEVELS for name in CENTRAL)
NEARLY_ONE = 1 - 1e-6
"""Correlations are clipped to ±this: Fisher's z is infinite at ±1."""


def resample(x: Floats, y: Floats, groups: Places, thresholds: Thresholds) -> bytes:
    """Threshold-independent bootstrap of one cloud, for `weigh`: interval ends of `CENTRAL`, then rho per resample, as packed float64.

    `x`, `y` and `groups` (root labels from 0) are (n,). Of the thresholds only `bootstraps` and `correlation` matter.
    """
    drawn = draws(groups, thresholds.bootstraps, thresholds.permutations)
    cloud = ranked(x[None], y[None])
    blocks = [central(cloud, weights[None], thresholds.correlation) for weights in drawn.resamples]
    found = {name: np.concatenate([getattr(block, name)[0] for block in blocks]) for name in Central._fields}
    found |= {f"{name}_gap": found[f"{name}_x"] - found[f"{name}_y"] for name in ("mean", "median")}
    ends = intervals({name: found[name] for name in CENTRAL}).values()
    return np.concatenate([[np.nan if end is None else end for end in ends], found["rho"]]).tobytes()


def weigh(x: Floats, y: Floats, groups: Places, resampled: bytes, verdict: int, rho: float, thresholds: Thresholds) -> dict[str, Any]:
    """Evidence columns of one cloud.

    `x`, `y` and `groups` (root labels from 0) are (n,), `resampled` comes from `resample`, `verdict` is an index into `VERDICTS`, `rho` NaN
    where undefined.

    **Bootstrap.** Cluster bootstrap: roots are drawn with replacement, each with all its points, since copies and edits of one prompt are
    dependent. The whole rule runs on each resample: *stability* is the share that gives the verdict, *runner-up* the most frequent other
    one (none when all agree). 95 % percentile intervals; resamples with undefined rho are left out of rho's. Intervals are unreliable with
    few roots.

    **Tilt.** `tilt_p` is the larger p-value of two tests (intersection-union). (1) Sign test: the sign of each root's balance (points above
    less points below) is random; two-sided, normal approximation with continuity correction. (2) Permutation test of independence: y is
    shuffled against x, whole roots among roots of equal size, and regions, line and balance are computed anew, since clipped corners and
    skewed scores unbalance independent scores too; p is twice Student's t tail of the observed balance under permutation. Null without a line.

    **Conflict.** `conflict_p` is one-sided for rho < 0: Fisher's z of rho over its bootstrap standard error, by Student's t with G - 2
    degrees of freedom (G roots). Null without a rho.
    """
    drawn = draws(groups, thresholds.bootstraps, thresholds.permutations)
    numbers = np.frombuffer(resampled)
    again = numbers[len(ENDS) :]
    cloud = placed(x[None], y[None], thresholds)
    blocks = [count(cloud, weights[None], thresholds) for weights in drawn.resamples]
    after = np.cumsum([block.n.size for block in blocks])[:-1]
    found = [verdicts(block, rhos[None], thresholds)[0] for block, rhos in zip(blocks, np.split(again, after), strict=True)]
    densities = {name: np.concatenate([getattr(block, name)[0] for block in blocks]) for name in DENSITIES}
    return {
        **_steadiness(np.concatenate(found), verdict),
        **{name: None if np.isnan(end) else end for name, end in zip(ENDS, numbers.tolist(), strict=False)},
        **intervals(densities),
        "tilt_p": tilt_p(x, y, groups, drawn.orders, thresholds),
        "conflict_p": conflict_p(rho, again, int(groups.max()) + 1),
    }


def tilt_p(x: Floats, y: Floats, groups: Places, orders: Places, thresholds: Thresholds) -> float | None:
    """Intersection-union p of the two tilt tests, see `weigh`; `orders` is (n, P) permutations of y. None without a line."""
    side = sides(x, y, np.arange(x.size)[:, None], thresholds)
    if not side.any():
        return None
    shuffled = sides(x, y, orders, thresholds)
    return max(_chance(np.bincount(groups, weights=side[:, 0])), _independence(balance(side)[0], balance(shuffled)))


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


def _chance(balances: Numbers) -> float:
    """Two-sided p-value of a weighted sign test on the clusters' balances."""
    moved = balances[balances != 0]
    if not moved.size:
        return 1.0
    size = np.abs(moved)
    z = max(abs(moved.sum()) - size.mean(), 0.0) / np.sqrt((size * size).sum())
    return float(2 * stdtr(np.inf, -z))


def _independence(observed: float, shuffled: Floats) -> float:
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


def _steadiness(found: Ints, verdict: int) -> dict[str, Any]:
    counts = Counter(found.tolist())
    others = sorted((-count, place) for place, count in counts.items() if place != verdict)
    share = {"stability": counts[verdict] / found.size, "runner_up": None, "runner_up_share": None}
    if not others:
        return share
    count, place = others[0]
    return share | {"runner_up": VERDICTS[place].value, "runner_up_share": -count / found.size}
