"""Autoencoder of the painter: 64×64 pictures to 16×16 latents of 8 channels."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from tinyworld.render import draw, worn
from tinyworld.scene import COLOURS, DANGERS, PLACES, RELATIONS, ROLES, STYLES, THINGS, Scene, Thing, arrange, person
from tinyworld.training.loop import Course, Step, device, train


def build() -> AutoencoderKL:
    """Untrained autoencoder of 0.7 M parameters."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(16, 32, 64),
        layers_per_block=1,
        latent_channels=8,
        norm_num_groups=8,
        sample_size=64,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def any_scene(rng: np.random.Generator) -> Scene:
    """Scene with uniform choices, for models that must see everything."""
    things = tuple(
        person(rng, str(rng.choice(ROLES)), 0)
        if rng.random() < 0.15
        else Thing(str(rng.choice(THINGS + DANGERS)), str(rng.choice(COLOURS)))
        for _ in range(rng.integers(1, 3))
    )
    return Scene(str(rng.choice(STYLES)), str(rng.choice(PLACES)), arrange(rng, things, str(rng.choice(RELATIONS))))


def to_tensor(pictures: np.ndarray) -> Tensor:
    """uint8 (B, H, W, 3) to float (B, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)


def losses(model: AutoencoderKL, batch: int, seed: int) -> Callable[[int], dict[str, Tensor]]:
    """Reconstruction error plus a weak L2 penalty on the latents.

    Differences between colour channels have a term of their own: without it the model learns shapes early and colours late.
    """

    def of(step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((seed, step))
        pictures = [draw(any_scene(rng)) for _ in range(batch)]
        pictures = [worn(picture, float(rng.random()), rng) if rng.random() < 0.1 else picture for picture in pictures]
        clean = to_tensor(np.stack(pictures)).to(device())
        latents = model.encode(clean).latent_dist.mean
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(seed * 1_000_003 + step)).to(clean.device)
        error = model.decode(latents + 0.05 * noise).sample - clean
        return {
            "absolute": error.abs().mean(),
            "squared": 2 * error.square().mean(),
            "colour": (error - error.roll(1, 1)).abs().mean(),
            "prior": 1e-4 * latents.square().mean(),
        }

    return of


@torch.no_grad()
def normalise(model: AutoencoderKL, seed: int) -> None:
    """Normalises latent channels to unit standard deviation, by rescaling the encoder's last and the decoder's first layer."""
    rng = np.random.default_rng((seed, 10**9))
    pictures = to_tensor(np.stack([draw(any_scene(rng)) for _ in range(256)])).to(device())
    latents = torch.cat([model.encode(part).latent_dist.mean for part in pictures.split(64)])
    scale = latents.std((0, 2, 3))
    channels = len(scale)
    model.encoder.conv_out.weight[:channels] /= scale[:, None, None, None]
    model.encoder.conv_out.bias[:channels] /= scale
    model.decoder.conv_in.weight *= scale[None, :, None, None]
    model.register_to_config(scaling_factor=1.0, shift_factor=float((latents / scale[:, None, None]).mean()))


def fit(out: Path, work: Path, course: Course) -> Iterator[Step]:
    """Trains the autoencoder and saves it to `out`."""
    torch.manual_seed(course.seed)
    model = build().to(device(), memory_format=torch.channels_last)
    yield from train(model, course, losses(model, course.batch, course.seed), work / "vae.safetensors")
    normalise(model, course.seed)
    model.save_pretrained(out)
