"""Flow matching: what a rectified-flow model is shown and has to say."""

from copy import deepcopy
from math import sqrt
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from torch import Tensor

from trig.backends.families.moves import Move


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


def levels(scheduler: Any, steps: int, tokens: int) -> list[float]:
    """Noise levels that a picture of so many tokens is painted through: from 1 to 0, one more than there are steps."""
    own, config = deepcopy(scheduler), scheduler.config
    named = ("base_image_seq_len", 256), ("max_image_seq_len", 4096), ("base_shift", 0.5), ("max_shift", 1.15)
    own.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=calculate_shift(tokens, *(config.get(*each) for each in named)))
    found: list[float] = own.sigmas.tolist()
    return found


def move(latents: Tensor, velocity: Tensor, now: float, then: float, noise: float) -> Move:
    """From one noise level to a lower one by the stochastic equation with the marginals of the flow (Flow-GRPO); by the flow itself where `noise` is 0.

    With s = noise · sqrt(now / (1 - now)) and dt = then - now: mean x·(1 + s²/(2·now)·dt) + v·(1 + s²·(1 - now)/(2·now))·dt, deviation s·sqrt(-dt).
    At level 1, s takes `then` below the line. The step to level 0 is certain, so that no noise is left in a picture.
    """
    dt = then - now
    if not (noise and then):
        return Move(latents + velocity * dt, 0.0)
    spread = noise * sqrt(now / (1 - (then if now >= 1 else now)))
    drift = spread**2 / (2 * now)
    return Move(latents * (1 + drift * dt) + velocity * ((1 + drift * (1 - now)) * dt), spread * sqrt(-dt))
