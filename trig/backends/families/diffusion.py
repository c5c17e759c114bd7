"""Denoising diffusion: networks that predict noise or velocity at a timestep, and paint by the steps of DDIM."""

from math import sqrt
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from trig.backends.families.family import Encoded, Family
from trig.backends.families.moves import Move

PREDICTED = ("epsilon", "v_prediction", "sample")
"""Targets of training, as a scheduler names them: the noise, the velocity, the clean latents."""


class Diffusing(Family):
    """UNets over latents. A noise level is the timestep after so many, from 1; 0 is none."""

    network = "unet"
    targets = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2")
    practises = ("ddpo", "refl")

    def unfit(self, pipe: Any) -> str | None:
        """Also where the scheduler names another target."""
        kind = pipe.scheduler.config.get("prediction_type", "epsilon")
        other = None if kind in PREDICTED else f"its scheduler says prediction_type {kind!r}, which is not trained here; name another base"
        return super().unfit(pipe) or other

    def noised(self, pipe: Any, clean: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """At a timestep that is drawn evenly; the target is what the scheduler says that the network predicts."""
        kept = _kept(pipe.scheduler)
        steps = torch.from_numpy(rng.integers(0, len(kept), len(clean)))
        signal = kept[steps].sqrt().view(-1, *[1] * (clean.ndim - 1)).to(clean.device)
        exact = clean.float()
        noise, rest = torch.from_numpy(rng.standard_normal(clean.shape)).to(exact), (1 - signal**2).sqrt()
        match pipe.scheduler.config.get("prediction_type", "epsilon"):
            case "v_prediction":
                target = signal * noise - rest * exact
            case "sample":
                target = exact
            case _:
                target = noise
        return (signal * exact + rest * noise).to(clean.dtype), (steps + 1).to(exact), target

    def predict(self, pipe: Any, given: Encoded, noisy: Tensor, level: Tensor) -> Tensor:
        """What the scheduler says that the network predicts."""
        added = {name: tensor for name, tensor in given.conditions.items() if name != "encoder_hidden_states"}
        predicted: Tensor = pipe.unet(
            noisy.to(pipe.unet.dtype), level - 1, encoder_hidden_states=given.conditions["encoder_hidden_states"],
            added_cond_kwargs=added or None, return_dict=False,
        )[0]  # fmt: skip
        return predicted

    def levels(self, pipe: Any, given: Encoded, steps: int) -> list[float]:  # noqa: ARG002
        """The timesteps of DDIM, spaced as the scheduler says."""
        own = DDIMScheduler.from_config(pipe.scheduler.config)
        own.set_timesteps(steps)
        return [*(float(step) + 1 for step in own.timesteps), 0.0]

    def move(self, pipe: Any, latents: Tensor, said: Tensor, now: float, then: float, noise: float) -> Move:
        """A step of DDIM whose eta is `noise`: with 1 that of the diffusion itself.

        With a the kept share of the signal: deviation noise · sqrt((1 - a_then) / (1 - a_now) · (1 - a_now / a_then)), mean
        sqrt(a_then) · clean + sqrt(1 - a_then - deviation²) · noise as predicted. The step to level 0 is certain.
        """
        a_now, a_then = (self._signal(pipe, level) for level in (now, then))
        clean, rest = _parted(latents, said, a_now, pipe.scheduler.config.get("prediction_type", "epsilon"))
        std = noise * sqrt((1 - a_then) / (1 - a_now) * (1 - a_now / a_then)) if noise and then else 0.0
        return Move(sqrt(a_then) * clean + sqrt(max(0.0, 1 - a_then - std**2)) * rest, std)

    def _signal(self, pipe: Any, level: float) -> float:
        if not level:
            return float(DDIMScheduler.from_config(pipe.scheduler.config).final_alpha_cumprod)
        return float(_kept(pipe.scheduler)[int(level) - 1])


def _kept(scheduler: Any) -> Tensor:
    """Share of the signal's variance that is kept at each timestep."""
    kept: Tensor = scheduler.alphas_cumprod
    return kept.float().cpu()


def _parted(latents: Tensor, said: Tensor, kept: float, kind: str) -> tuple[Tensor, Tensor]:
    """Clean latents and noise, as predicted."""
    signal, noise = sqrt(kept), sqrt(1 - kept)
    match kind:
        case "v_prediction":
            return signal * latents - noise * said, signal * said + noise * latents
        case "sample":
            return said, (latents - signal * said) / noise
        case _:
            return (latents - noise * said) / signal, said
