"""Ranked preference optimisation (RankDPO): lists of pictures, whose pairs count by what a swap would cost of the discounted gain (DCG)."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trig.backends.losses.batch import Batch, denoising


def loss(batch: Batch, rng: np.random.Generator) -> Tensor:
    """-sum over i above j of |G_i - G_j| · |1/D_i - 1/D_j| · log sigmoid(-beta · (s_i - s_j)), weighted, mean over lists.

    s = d - r: error of policy minus reference; G = 2^gain - 1; D = log(1 + rank), where rank 1 has the lowest s of the list.
    """
    reference, policy = denoising(batch, rng, batch.reference, batch.predict)
    scores = policy - reference
    gains, discounts = batch.gains.exp2() - 1, 1 / torch.log1p(_ranks(scores.detach()))
    swaps = _apart(gains).abs() * _apart(discounts).abs() * (_apart(gains) > 0)
    return -(batch.weights * (swaps * F.logsigmoid(-batch.beta * _apart(scores))).sum((1, 2))).mean()


def _ranks(scores: Tensor) -> Tensor:
    """From 1, the lowest; equal ones in their order."""
    return scores.sort(dim=1, stable=True).indices.argsort(1).to(scores.dtype) + 1


def _apart(each: Tensor) -> Tensor:
    """Differences (lists, i, j) of members i and j."""
    return each.unsqueeze(2) - each.unsqueeze(1)
