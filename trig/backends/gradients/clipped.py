"""Advantages within a group, and the clipped objective of proximal policy optimisation."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

MOST = 5.0
"""Largest advantage."""
SAME = 1e-9
"""Rewards that spread no more than this are equal: what is left is rounding."""


def advantages(rewards: Sequence[float | None]) -> list[float]:
    """Rewards of a group as multiples of their deviation from their mean, ± MOST at most; 0 where there is none, and where all are equal."""
    known = np.array([reward for reward in rewards if reward is not None])
    if len(known) < 2 or (spread := float(known.std())) <= SAME:
        return [0.0] * len(rewards)
    mean = float(known.mean())
    return [0.0 if reward is None else max(-MOST, min(MOST, (reward - mean) / spread)) for reward in rewards]


def clipped(now: Tensor, before: Tensor, gained: Tensor, clip: float) -> Tensor:
    """max(-A·ρ, -A·clip(ρ, 1 ± clip)), where ρ is the probability of what was painted now over that when it was painted; A: its advantage."""
    ratio = (now - before).exp()
    return torch.maximum(-gained * ratio, -gained * ratio.clamp(1 - clip, 1 + clip))
