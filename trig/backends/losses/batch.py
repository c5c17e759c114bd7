"""What a training objective is given, whatever the architecture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of a training step, and the network that learns from them."""

    clean: Tensor  # latents (B, …)
    noised: Callable[[Tensor, np.random.Generator], tuple[Tensor, Tensor, Tensor]]  # latents → noisy latents, noise levels (B,), target
    predict: Callable[[Tensor, Tensor], Tensor]  # noisy latents, noise levels → predicted target, with gradients


Loss: TypeAlias = Callable[[Batch, np.random.Generator], Tensor]
"""Scalar loss of a batch. All randomness comes from the generator, which is seeded by the step."""
