"""The pipeline's VAE on its own."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray

from trig.backends.weights import folder


@torch.inference_mode()
def round_trip(pictures: Sequence[NDArray[np.uint8]], weights: str, batch_size: int = 64) -> list[NDArray[np.uint8]]:
    """VAE reconstructions of uint8 images (H, W, 3), all of one size."""
    vae = AutoencoderKL.from_pretrained(folder(str(Path(weights) / "vae"), "weights"), dtype=torch.float32)
    done: list[NDArray[np.uint8]] = []
    for start in range(0, len(pictures), batch_size):
        pixels = torch.from_numpy(np.stack(pictures[start : start + batch_size])).permute(0, 3, 1, 2).float() / 127.5 - 1
        shown = vae.decode(vae.encode(pixels).latent_dist.mode()).sample
        done += list(((shown.permute(0, 2, 3, 1) + 1) * 127.5 + 0.5).clamp(0, 255).byte().numpy())
    return done
