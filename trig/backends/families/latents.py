"""Pictures as the latents of an autoencoder, in the scale that its network was trained in, and back."""

from typing import Any, TypeAlias

import torch
from torch import Tensor

Number: TypeAlias = Tensor | float


def encoded(vae: Any, pictures: Tensor) -> Tensor:
    """Scaled latents of pictures (B, 3, height, width), or of videos (B, 3, frames, height, width), of -1 to 1."""
    found = vae.encode(pictures.to(vae.device, vae.dtype))
    latents: Tensor = found.latent_dist.mode() if hasattr(found, "latent_dist") else found.latent
    shift, scale = _normal(vae, latents)
    return (latents - shift) * scale


def decoded(vae: Any, latents: Tensor) -> Tensor:
    """What scaled latents show, of 0 to 1, with gradients."""
    shift, scale = _normal(vae, latents)
    shown: Tensor = vae.decode((latents / scale + shift).to(vae.dtype), return_dict=False)[0]
    return (shown.float() / 2 + 0.5).clamp(0, 1)


def _normal(vae: Any, like: Tensor) -> tuple[Number, Number]:
    """Shift and scale: of each channel where the configuration has them, of all otherwise."""
    config = vae.config
    scale = float(config.get("scaling_factor") or 1.0)
    if config.get("latents_mean") is None or config.get("latents_std") is None:
        return float(config.get("shift_factor") or 0.0), scale
    mean, std = (torch.tensor(config[name]).to(like).view(1, -1, *[1] * (like.ndim - 2)) for name in ("latents_mean", "latents_std"))
    return mean, scale / std
