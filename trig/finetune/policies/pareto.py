"""Pairs across the fronts of a prompt: winners from the first, which nothing dominates, losers from the last."""

import numpy as np

from trig.finetune.points import Bools, Floats, Ints, Points
from trig.finetune.policies.choice import Choice, gains, told
from trig.params.finetune import Finetune


def choose(points: Points, settings: Finetune) -> list[Choice]:
    """All whose winner has the higher win rate within its prompt, the mean over both dimensions: a share, so that their scales do not matter."""
    scores, found = points.scores, list[Choice]()
    for group in points.groups():
        front, rate = fronts(scores[group]), _win_rate(scores[group])
        for winner in np.flatnonzero(front == 0):
            for loser in np.flatnonzero((front == front.max()) & (front > 0) & (rate < rate[winner])):
                change = scores[group[winner]] - scores[group[loser]]
                if gains(change, settings):
                    found.append(_pair(points, group, int(winner), int(loser), change))
    return found


def fronts(scores: Floats) -> Ints:
    """Front of each point (n, 2), from 0: without the earlier fronts, nothing dominates it."""
    better: Bools = np.all(scores[:, None] >= scores[None], axis=-1) & np.any(
        scores[:, None] > scores[None], axis=-1
    )  # [i, j]: i dominates j
    found = np.full(len(scores), -1)
    number = 0
    while (left := found < 0).any():
        found[left & ~better[left].any(axis=0)] = number
        number += 1
    return found


def _win_rate(scores: Floats) -> Floats:
    signs = np.sign(scores[:, None] - scores[None])  # (i, j, dimension)
    rate: Floats = (1 + signs.mean(axis=-1)).sum(axis=1) / 2 - 0.5  # against itself a half
    return rate / max(len(scores) - 1, 1)


def _pair(points: Points, group: Ints, winner: int, loser: int, change: Floats) -> Choice:
    return Choice((int(group[winner]), int(group[loser])), told(points, change, "of the first front against the last"))
