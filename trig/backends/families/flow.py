"""Flow matching: what a rectified-flow model is shown and has to say."""

from collections.abc import Mapping
from copy import deepcopy
from math import exp, prod, sqrt
from typing import Any

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from torch import Tensor

from trig.backends.families.family import Encoded, Family
from trig.backends.families.moves import Move

SPACING = ("base_image_seq_len", 256), ("max_image_seq_len", 4096), ("base_shift", 0.5), ("max_shift", 1.15)
"""What decides the shift of a picture's own size, with the values of a scheduler that does not say."""


class Matching(Family):
    """Transformers that are trained by flow matching: they predict the velocity, noise minus clean latents."""

    network = "transformer"
    practises = ("flow-grpo", "refl")
    clock = 1.0
    """What the network is told at noise level 1."""
    even = False
    """Noise levels are spaced evenly by the pipeline, and not by the scheduler."""

    def noised(self, pipe: Any, clean: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Rectified flow with the scheduler's shift."""
        return noised(clean, shift(pipe.scheduler.config, self.tokens(pipe, clean)), rng)

    def predict(self, pipe: Any, given: Encoded, noisy: Tensor, level: Tensor) -> Tensor:
        """Velocity, in the shape of the latents."""
        network = pipe.transformer
        predicted: Tensor = network(
            hidden_states=noisy.to(network.dtype), timestep=level * self.clock, **given.conditions, **given.shared, return_dict=False
        )[0]
        return predicted

    def levels(self, pipe: Any, given: Encoded, steps: int) -> list[float]:
        """Those of the scheduler."""
        return levels(pipe.scheduler, steps, self.tokens(pipe, given.latents), self.even)

    def tokens(self, pipe: Any, latents: Tensor) -> int:
        """Of each picture, in the network."""
        patch: int = pipe.transformer.config.get("patch_size") or 1
        return prod(latents.shape[2:]) // patch**2

    def move(self, pipe: Any, latents: Tensor, said: Tensor, now: float, then: float, noise: float) -> Move:  # noqa: ARG002
        """Of flow matching."""
        return move(latents, said, now, then, noise)


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


def shift(config: Mapping[str, Any], tokens: int) -> float:
    """How far noise levels are shifted towards noise: by the scheduler's configuration, and by the size of a picture where that says so."""
    if not config.get("use_dynamic_shifting"):
        return float(config.get("shift") or config.get("flow_shift") or 1.0)
    mu = _mu(config, tokens)
    return mu if config.get("time_shift_type") == "linear" else exp(mu)


def levels(scheduler: Any, steps: int, tokens: int, even: bool = True) -> list[float]:
    """Noise levels that a picture of so many tokens is painted through: from 1 to 0, one more than there are steps."""
    own = deepcopy(scheduler)
    spaced: dict[str, Any] = {"sigmas": np.linspace(1.0, 1 / steps, steps)} if even else {"num_inference_steps": steps}
    sized = {"mu": _mu(scheduler.config, tokens)} if isinstance(scheduler, FlowMatchEulerDiscreteScheduler) else {}
    own.set_timesteps(**spaced, **sized)
    found: list[float] = own.sigmas.tolist()
    return found


def _mu(config: Mapping[str, Any], tokens: int) -> float:
    mu: float = calculate_shift(tokens, *(config.get(*each) for each in SPACING))
    return mu


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
