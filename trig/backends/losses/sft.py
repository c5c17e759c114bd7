"""Supervised fine-tuning: the denoising objective on accepted pictures."""

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from trig.backends.losses.batch import Batch


def loss(batch: Batch, rng: np.random.Generator) -> Tensor:
    """Weighted mean squared error of the predicted target: of the velocity, in flow matching."""
    noisy, level, target = batch.noised(batch.clean, rng)
    error = F.mse_loss(batch.predict(noisy, level).float(), target, reduction="none")
    return (error * batch.weights.view(-1, *[1] * (error.ndim - 1))).mean()
