"""Kahneman-Tversky optimisation for diffusion (Diffusion-KTO): single pictures that are good or to be avoided."""

import numpy as np
from torch import Tensor

from trig.backends.losses.batch import Batch, denoising


def loss(batch: Batch, rng: np.random.Generator) -> Tensor:
    """1 - sigmoid(s · beta · (g - kl)), weighted. g = r - d: what the policy's error gains on the reference's; kl: the batch's mean g, at least 0,
    without gradients; s: 1 for a good picture, -1 for one to be avoided.
    """
    reference, policy = denoising(batch, rng, batch.reference, batch.predict)
    gained = (reference - policy)[:, 0]
    baseline = gained.mean().clamp_min(0).detach()
    return (batch.weights * (1 - ((2 * batch.labels - 1) * batch.beta * (gained - baseline)).sigmoid())).mean()
