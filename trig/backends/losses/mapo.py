"""Margin-aware preference optimisation (MaPO), without a reference."""

import numpy as np
import torch
from torch import Tensor

from trig.backends.losses.batch import Batch, denoising, preferred

STEPS = 1000
"""Noise levels of training, T."""
SHARPNESS = 0.5
"""c of f(x) = c·x / (exp(c·x) - 1)."""


def loss(batch: Batch, rng: np.random.Generator) -> Tensor:
    """d_w - beta · log sigmoid(T · [f(d_w) - f(d_l)]), weighted; d: denoising errors."""
    (errors,) = denoising(batch, rng, batch.predict)
    better, worse = _falling(errors).unbind(1)
    return (batch.weights * (errors[:, 0] + batch.beta * preferred(STEPS * (better - worse), batch.labels))).mean()


def _falling(errors: Tensor) -> Tensor:
    """f: 1 without an error, and falling; its limit where expm1 is 0."""
    scaled = SHARPNESS * errors
    return torch.where(scaled > 0, scaled / torch.expm1(scaled.clamp_min(torch.finfo(scaled.dtype).tiny)), 1 - scaled / 2)
