"""What a training objective is given, whatever the architecture."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

Predict: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Noisy latents, noise levels → predicted target."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Lessons of a training step, and the network that learns from them."""

    clean: Tensor  # latents (lessons · members, …), lesson by lesson, the better member first
    noised: Callable[[Tensor, np.random.Generator], tuple[Tensor, Tensor, Tensor]]  # latents → noisy latents, noise levels (B,), target
    predict: Predict  # with gradients
    reference: Predict  # of the network without its adapter, without gradients
    gains: Tensor  # (lessons, members)
    labels: Tensor  # (lessons,): probability that the first member is preferred; of single pictures 1: good, 0: to avoid
    weights: Tensor  # (lessons,)
    beta: float


Loss: TypeAlias = Callable[[Batch, np.random.Generator], Tensor]
"""Scalar loss of a batch. All randomness comes from the generator, which is seeded by the step."""


def denoising(batch: Batch, rng: np.random.Generator, *predicts: Predict) -> list[Tensor]:
    """Denoising errors (lessons, members) of each predictor: the mean over latent elements of the squared error of the target.

    Members of a lesson share noise and noise level, as do the predictors: errors differ by pictures, prompts and weights only.
    """
    lessons, members = batch.gains.shape
    parts = batch.clean.unflatten(0, (lessons, members)).unbind(1)
    noisy, level, target = (
        torch.stack(each, 1).flatten(0, 1) for each in zip(*(batch.noised(part, deepcopy(rng)) for part in parts), strict=True)
    )
    errors = ((predict(noisy, level).float() - target).square().flatten(1).mean(1) for predict in predicts)
    return [error.unflatten(0, (lessons, members)) for error in errors]


def preferred(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of a preference with probability sigmoid(logits) and its label, which is 1 where it is certain."""
    return -labels * F.logsigmoid(logits) - (1 - labels) * F.logsigmoid(-logits)
