"""How far a relation can be trusted: what resampling its prompts does to it, and two tests against duller explanations."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import stdtr

from trig.classify.cloud import ON_THE_LINE, VERDICTS, Central, central, count, fit, levels, placed, ranked, scaled, verdicts
from trig.classify.draws import draws
from trig.classify.order import Floats, Ints, Numbers, Places, product
from trig.params.thresholds import Correlation, Thresholds
from trig.tables.relations import INTERVALS

LEVELS = {"low": 0.025, "high": 0.975}
DENSITIES = ("density_synergy", "density_bottleneck")
CENTRAL = tuple(name for name in INTERVALS if name not in DENSITIES)
"""What has an interval that no limit of the rule decides."""
ENDS = tuple(f"{name}_{end}" for end in LEVELS for name in CENTRAL)
NEARLY_ONE = 1 - 1e-6
"""A correlation is taken no nearer to 1 or -1, where Fisher's z is infinite."""


def resample(x: Floats, y: Floats, groups: Places, thresholds: Thresholds) -> bytes:
    """What no limit of the rule decides of the resamples of one cloud, for `weigh`: the intervals of `CENTRAL`, then rho of each, as doubles.

    `x`, `y` and `groups`, which numbers the roots from 0, are (n,). Of the thresholds only `bootstraps` and `correlation` matter.
    """
    drawn = draws(groups, thresholds.bootstraps, thresholds.permutations)
    cloud = ranked(x[None], y[None])
    blocks = [central(cloud, weights[None], thresholds.correlation) for weights in drawn.resamples]
    found = {name: np.concatenate([getattr(block, name)[0] for block in blocks]) for name in Central._fields}
    found |= {f"{name}_gap": found[f"{name}_x"] - found[f"{name}_y"] for name in ("mean", "median")}
    ends = intervals({name: found[name] for name in CENTRAL}).values()
    return np.concatenate([[np.nan if end is None else end for end in ends], found["rho"]]).tobytes()


def weigh(x: Floats, y: Floats, groups: Places, resampled: bytes, verdict: int, rho: float, thresholds: Thresholds) -> dict[str, Any]:
    """The columns of evidence of one cloud: `x`, `y` and `groups`, which numbers the roots from 0, are (n,), `resampled` is what `resample` gives for
    them, `verdict` a place in `VERDICTS`, `rho` NaN where there is none.

    **Bootstrap.** Prompts with one root are copies or edits of one prompt, so a resample draws roots, with replacement, and takes all points of a
    root each time. The whole rule runs on each resample: *stability* is the share that gives the verdict, *runner-up* the most frequent other one
    (none when all agree). Intervals are the 95 % percentiles over resamples; resamples without a rho are left out of rho's. They lie low when
    there are few roots.

    **Tilt.** `tilt_p` is the larger of two p-values, so that a small one rules out both dull explanations. (1) The sides differ by chance: the sign of
    each root's balance (points above less points below) is a coin's. Two-sided, normal, corrected for continuity. (2) The scores are independent:
    y is shuffled against x, whole roots among roots of equal size, and the regions, the line and the balance are computed anew. The corners that
    the regions cut off, and skewed scores, tip the balance of independent scores too; p is Student's for the observed balance in the distribution
    of the shuffled ones, in the direction of the tilt, doubled. Null without a line.

    **Conflict.** `conflict_p` is one-sided for rho < 0: Fisher's z of rho over its standard deviation in the bootstrap, by Student's t with two
    degrees of freedom fewer than roots. Null without a rho.
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
    """The larger p of the two tests of a tilt, see `weigh`, with y shuffled in these orders, (n, P); None without a line."""
    side = sides(x, y, np.arange(x.size)[:, None], thresholds)
    if not side.any():
        return None
    shuffled = sides(x, y, orders, thresholds)
    return max(_chance(np.bincount(groups, weights=side[:, 0])), _independence(balance(side)[0], balance(shuffled)))


def sides(x: Floats, y: Floats, orders: Places, thresholds: Thresholds) -> Ints:
    """1 for each point of R_T above the line, -1 below, 0 elsewhere, (n, P), for x against y in each order, (n, P)."""
    level = levels(x, thresholds)[:, None]
    inside = (level == 0) | (level != levels(y, thresholds)[orders])  # in R_T
    u, v = (scaled(values[None], np.ones((1, values.size), dtype=bool)) for values in (x, y))
    across, up = u.values[0], v.values[0][orders]
    line = fit(_moments(inside.astype(np.float64), across, up)[None], thresholds.min_points)
    over = np.where(inside, up, np.nan)  # NaN lies on neither side
    over -= product(np.stack([across, np.ones_like(across)], axis=1)[None], np.stack([line.slope, line.intercept], axis=1))[0]
    over *= v.half
    found: Ints = (over > ON_THE_LINE).view(np.int8) - (over < -ON_THE_LINE).view(np.int8)
    return found


def _moments(inside: Floats, u: Floats, v: Floats) -> Floats:
    """What `fit` needs: count, and the sums of u, v, u² and u·v over the points inside, (5, P)."""
    powers: Floats = np.stack([np.ones_like(u), u, u * u])[None]
    of_u, of_v = product(powers, inside[None])[0], product(powers[:, :2], (inside * v)[None])[0]
    return np.stack([of_u[0], of_u[1], of_v[0], of_u[2], of_v[1]])


def balance(side: Ints) -> Floats:
    """Points above less points below, as a share of both, per column; 0 where there are none."""
    found: Floats = side.sum(axis=0, dtype=np.int64) / np.maximum(np.abs(side).sum(axis=0, dtype=np.int64), 1)
    return found


def _chance(balances: Numbers) -> float:
    """Two-sided p of the sum of the groups' balances when the sign of each is a coin's."""
    moved = balances[balances != 0]
    if not moved.size:
        return 1.0
    size = np.abs(moved)
    z = max(abs(moved.sum()) - size.mean(), 0.0) / np.sqrt((size * size).sum())
    return float(2 * stdtr(np.inf, -z))


def _independence(observed: float, shuffled: Floats) -> float:
    """Twice the p of a balance at least so far to its side among those of independent scores."""
    spread = shuffled.std(ddof=1)
    beyond = np.sign(observed) * (observed - shuffled.mean())
    return min(1.0, float(2 * stdtr(shuffled.size - 1, -beyond / spread))) if spread > 0 else 1.0


def conflict_p(rho: float, resampled: Floats, groups: int) -> float | None:
    """One-sided p of a rho at or above 0, see `weigh`; None where rho, or its spread, is missing."""
    known = resampled[np.isfinite(resampled)]
    if not np.isfinite(rho) or known.size < 2 or groups < 3:
        return None
    z, spread = np.arctanh(np.clip(rho, -NEARLY_ONE, NEARLY_ONE)), np.arctanh(np.clip(known, -NEARLY_ONE, NEARLY_ONE)).std(ddof=1)
    return float(stdtr(groups - 2, z / spread)) if spread > 0 else float(rho >= 0)


def p_value(rho: Floats, n: Ints, kind: Correlation) -> Floats:
    """Two-sided p of each rho under independence, every point by itself; NaN where rho is missing.

    Student's t with n - 2 degrees of freedom, and for tau-b the normal distribution without ties: approximations for small n, too small where
    prompts repeat.
    """
    n = np.maximum(n, 3).astype(np.float64)
    if kind == "kendall":
        return np.asarray(2 * stdtr(np.inf, -np.abs(rho) * np.sqrt(9 * n * (n - 1) / (4 * n + 10))))
    rest = 1 - rho * rho
    t = np.full(rho.shape, np.inf)
    np.divide(np.abs(rho) * np.sqrt(n - 2), np.sqrt(rest), out=t, where=~(rest <= 0))
    return np.asarray(2 * stdtr(n - 2, -t))


def q_values(p: Floats) -> Floats:
    """Benjamini's and Hochberg's adjusted p-values over all that are there; NaN stays NaN."""
    q, known = np.full(p.shape, np.nan), np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known])]
    raised = p[order] * (order.size / np.arange(1, order.size + 1))
    q[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return q


def _steadiness(found: Ints, verdict: int) -> dict[str, Any]:
    counts = Counter(found.tolist())
    others = sorted((-count, place) for place, count in counts.items() if place != verdict)
    share = {"stability": counts[verdict] / found.size, "runner_up": None, "runner_up_share": None}
    if not others:
        return share
    count, place = others[0]
    return share | {"runner_up": VERDICTS[place].value, "runner_up_share": -count / found.size}


def intervals(drawn: Mapping[str, Floats]) -> dict[str, float | None]:
    """The 2.5 % and 97.5 % quantiles of each, `<name>_low` and `<name>_high`, linear between the draws; NaN is left out, None where all are."""
    ordered = np.sort(np.stack(list(drawn.values())), axis=1)  # NaN comes last
    last = np.isfinite(ordered).sum(axis=1) - 1
    found: dict[str, float | None] = {}
    for end, level in LEVELS.items():
        place = np.maximum(last, 0) * level
        under = place.astype(np.int64)
        low, high = (np.take_along_axis(ordered, at[:, None], axis=1)[:, 0] for at in (under, np.minimum(under + 1, np.maximum(last, 0))))
        values = low + (high - low) * (place - under)
        found |= {f"{name}_{end}": float(value) if known >= 0 else None for name, value, known in zip(drawn, values, last, strict=True)}
    return found
