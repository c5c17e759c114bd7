"""Conflicts along a knob: pairs of which the knob buys one dimension with the other."""

from typing import Any

import numpy as np

from trig.classify.arrays import Floats
from trig.fronts.cells import Cell
from trig.stats.clustered import Tested, clustered_mean

ENDS = ("", "_low", "_high")


def along(cell: Cell, places: list[int]) -> dict[str, Any]:
    """What a knob does to a pair; `places` are the columns of its settings, by the knob's value.

    Only samples that are scored on both dimensions at every setting count. The *trend* of a sample is the slope of its score over the ranks of
    the settings, times their number less one: the change from the first to the last setting along a straight line, whatever the spacing of the values.
    `change` is the score at the last setting less that at the first. Both are means over samples with cluster-robust intervals.

    `p` tests that one dimension rises while the other falls, an intersection-union test: of the hypotheses that x does not rise and that y does
    not fall, the larger one-sided p-value, and likewise the other way round; twice the smaller of the two directions, as either would be a
    conflict. That is the larger two-sided p-value where the trends have opposite signs, else 1. Null with fewer than two clusters.
    """
    x, y = cell.x[:, places], cell.y[:, places]
    known = np.isfinite(x).all(axis=1)
    roots = cell.roots[known]
    found: dict[str, Any] = {"n": int(known.sum()), "nulls": int((~known).sum()), "clusters": int(np.unique(roots).size)}
    trends = []
    for side, values in (("x", x[known]), ("y", y[known])):
        trend, change = (clustered_mean(each, roots) if each.size else Tested(None, None, None, None) for each in _moves(values))
        trends.append(trend)
        for name, tested in (("trend", trend), ("change", change)):
            found |= {f"{name}_{side}{end}": value for end, value in zip(ENDS, tested, strict=False)}
    return found | {"p": conflict_p(*trends)}


def conflict_p(x: Tested, y: Tested) -> float | None:
    """p-value of a conflict, see `along`, from both trends."""
    if x.p is None or y.p is None or x.value is None or y.value is None:
        return None
    return max(x.p, y.p) if x.value * y.value < 0 else 1.0


def _moves(values: Floats) -> tuple[Floats, Floats]:
    """Trend and change of each sample, (n,); exactly 0 where all its scores, (n, settings), are equal."""
    ranks = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    weights = ranks / (ranks @ ranks) * (values.shape[1] - 1)
    since = values - values[:, :1]
    return since @ weights, since[:, -1]
