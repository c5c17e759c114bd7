"""How far a relation can be trusted: what resampling its prompts does to it, and two tests against duller explanations."""

from collections import Counter
from hashlib import blake2b
from typing import Any

import numpy as np
from scipy.special import stdtr

from trig.classify.cloud import ON_THE_LINE, RELATIONS, Measured, fit, measure, moments, regions, scaled, verdicts
from trig.classify.order import Floats, Ints, Numbers, integers
from trig.classify.stack import CELLS, Places
from trig.params import Correlation, Thresholds
from trig.tables import INTERVALS

LEVELS = (0.025, 0.975)
NEARLY_ONE = 1 - 1e-6
"""A correlation is taken no nearer to 1 or -1, where Fisher's z is infinite."""


def seed(*key: str) -> int:
    """A seed that depends on the row's own name only."""
    return int.from_bytes(blake2b("/".join(key).encode(), digest_size=8).digest(), "big")


def weigh(x: Floats, y: Floats, root: Places, verdict: int, thresholds: Thresholds, start: int) -> dict[str, Any]:
    """The columns of evidence of one cloud: `x`, `y` and `root` are (n,), `verdict` a place in `RELATIONS`.

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
    _, groups = np.unique(root, return_inverse=True)
    draw = np.random.default_rng(start)
    drawn = _resampled(x, y, groups, thresholds, draw)
    rho = float(measure(x[None], y[None], np.ones((1, x.size, 1), integers(x.size)), thresholds).rho[0, 0])
    return {
        **_steadiness(drawn.pop("verdict"), verdict),
        **{f"{name}_{end}": value for name in INTERVALS for end, value in zip(("low", "high"), _ends(drawn[name]), strict=True)},
        "tilt_p": tilt_p(x, y, groups, thresholds, draw),
        "conflict_p": conflict_p(rho, drawn["rho"], int(groups.max()) + 1),
    }


def _resampled(x: Floats, y: Floats, groups: Places, thresholds: Thresholds, draw: np.random.Generator) -> dict[str, Floats]:
    """The verdict of each resample and what `INTERVALS` names, all (bootstraps,)."""
    rows, left = [], thresholds.bootstraps
    while left:
        count = min(left, max(CELLS // x.size, 1))
        rows.append(_block(measure(x[None], y[None], resamples(groups, count, draw)[None], thresholds), thresholds))
        left -= count
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _block(of: Measured, thresholds: Thresholds) -> dict[str, Floats]:
    gaps = {"mean_gap": of.mean_x - of.mean_y, "median_gap": of.median_x - of.median_y}
    found = {name: (gaps[name] if name in gaps else getattr(of, name))[0] for name in INTERVALS}
    return found | {"verdict": verdicts(of, thresholds)[0]}


def resamples(groups: Places, count: int, draw: np.random.Generator) -> Ints:
    """How often each resample holds each point, (n, count): as many groups are drawn as there are, each with all its points."""
    sizes = np.bincount(groups)
    drawn = draw.integers(0, sizes.size, size=(sizes.size, count))
    drawn *= count
    drawn += np.arange(count)
    times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)  # (groups, count)
    points = times.sum(axis=0) if sizes.max() == 1 else sizes @ times
    found: Ints = times.astype(integers(int(points.max())))[groups]
    return found


def tilt_p(x: Floats, y: Floats, groups: Places, thresholds: Thresholds, draw: np.random.Generator) -> float | None:
    """The larger p of the two tests of a tilt, see `weigh`; None without a line."""
    side = sides(x, y, np.arange(x.size)[:, None], thresholds)
    if not side.any():
        return None
    shuffled = sides(x, y, shuffles(groups, thresholds.permutations, draw), thresholds)
    return max(_chance(np.bincount(groups, weights=side[:, 0])), _independence(balance(side)[0], balance(shuffled)))


def sides(x: Floats, y: Floats, orders: Places, thresholds: Thresholds) -> Ints:
    """1 for each point of R_T above the line, -1 below, 0 elsewhere, (n, P), for x against y in each order, (n, P)."""
    inside = regions(x[:, None], y[orders], thresholds).tradeoff
    u, v = (scaled(values[None], np.ones((1, values.size), dtype=bool)) for values in (x, y))
    across, up = u.values[0][:, None], v.values[0][orders]
    sums = np.stack([moment.sum(axis=0, dtype=np.float64) for moment in moments(inside, across, up)])
    line = fit(sums[None], thresholds.min_points)
    over = (up - (line.slope * across + line.intercept)) * v.half
    found: Ints = (inside & (over > ON_THE_LINE)).astype(np.int8) - (inside & (over < -ON_THE_LINE)).astype(np.int8)
    return found


def shuffles(groups: Places, count: int, draw: np.random.Generator) -> Places:
    """Orders of the points, (n, count), in which groups have changed places with groups of their size."""
    sizes = np.bincount(groups)
    found = np.empty((count, groups.size), dtype=np.intp)
    by_group = np.argsort(groups, kind="stable")
    for size in np.unique(sizes):
        members = by_group[np.repeat(sizes == size, sizes)].reshape(-1, size)  # (groups of this size, size)
        orders = draw.permuted(np.tile(np.arange(len(members)), (count, 1)), axis=1)
        found[:, members.ravel()] = members[orders].reshape(count, -1)
    return found.T


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
    from scipy.stats import false_discovery_control  # takes half a second: `--help` must not wait for it

    q, known = np.full(p.shape, np.nan), np.isfinite(p)
    q[known] = false_discovery_control(p[known]) if known.any() else p[known]
    return q


def _steadiness(found: Floats, verdict: int) -> dict[str, Any]:
    counts = Counter(found.astype(np.int64).tolist())
    others = sorted((-count, place) for place, count in counts.items() if place != verdict)
    share = {"stability": counts[verdict] / found.size, "runner_up": None, "runner_up_share": None}
    if not others:
        return share
    count, place = others[0]
    return share | {"runner_up": RELATIONS[place].value, "runner_up_share": -count / found.size}


def _ends(values: Floats) -> tuple[float | None, float | None]:
    known = values[np.isfinite(values)]
    if not known.size:
        return None, None
    low, high = np.quantile(known, LEVELS)
    return float(low), float(high)
