"""Flow matching: what a rectified-flow model is shown and has to say."""

import numpy as np
import torch
from torch import Tensor


def noised(clean: Tensor, shift: float, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy latents, their noise levels (B,) and the velocity to predict, noise minus clean, of latents (B, …).

    Noise levels σ are logit-normal, shifted towards noise: shift·σ / (1 + (shift − 1)·σ). The noisy latents have the dtype of the clean
    ones; the velocity is float32, as the loss is.
    """
    sigma = torch.sigmoid(torch.from_numpy(rng.standard_normal(len(clean))).float())
    sigma = (shift * sigma / (1 + (shift - 1) * sigma)).to(clean.device)
    exact = clean.float()
    velocity = torch.from_numpy(rng.standard_normal(clean.shape)).to(exact) - exact
    return (exact + sigma.view(-1, *[1] * (clean.ndim - 1)) * velocity).to(clean.dtype), sigma, velocity
