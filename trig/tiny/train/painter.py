"""The painter: a small FLUX transformer taught by flow matching to paint from words, and to change a picture it is shown."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxKontextPipeline, FluxTransformer2DModel
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPTextModel, T5EncoderModel

from trig.tiny.train.loop import Course, Plan, Step, device, train
from trig.tiny.train.pool import Pool
from trig.tiny.train.reader import POOLED, PROMPTS, WIDTH, WORDS, clip, clip_ids, ids
from trig.tiny.words import MAX_TOKENS

CHANNELS, SIDE = 8, 16
"""Of the latents."""
SHIFT = 4.0
"""Timesteps lean towards noise, σ → 4σ/(1+3σ): in flat pictures nearly all is decided there."""
EMPTY_SHARE = 0.1
EDIT_EVERY = 5


def transformer() -> FluxTransformer2DModel:
    """An untrained FLUX transformer of 5 M parameters over 64 picture tokens."""
    return FluxTransformer2DModel(
        patch_size=1, in_channels=4 * CHANNELS, num_layers=2, num_single_layers=4, attention_head_dim=32, num_attention_heads=6,
        joint_attention_dim=WIDTH, pooled_projection_dim=POOLED, guidance_embeds=False, axes_dims_rope=(8, 12, 12),
    )  # fmt: skip


class Painter(nn.Module):
    """The three networks that learn together; the autoencoder is finished."""

    def __init__(self, reader: T5EncoderModel) -> None:
        super().__init__()
        self.text_encoder: CLIPTextModel = clip()
        self.text_encoder_2 = reader
        self.transformer = transformer()
        nn.init.zeros_(self.transformer.proj_out.weight)

    def forward(self, words: Tensor, pooled: Tensor, noisy: Tensor, source: Tensor | None, sigma: Tensor) -> Tensor:
        """The velocity, noise minus picture, of packed latents (B, 64, 32)."""
        places = FluxKontextPipeline._prepare_latent_image_ids(1, SIDE // 2, SIDE // 2, noisy.device, noisy.dtype)
        if source is not None:
            shown = places.clone()
            shown[:, 0] = 1
            noisy, places = torch.cat((noisy, source), 1), torch.cat((places, shown))
        out: Tensor = self.transformer(
            hidden_states=noisy,
            encoder_hidden_states=self.text_encoder_2(words).last_hidden_state,
            pooled_projections=self.text_encoder(pooled).pooler_output,
            timestep=sigma,
            img_ids=places,
            txt_ids=torch.zeros(MAX_TOKENS, 3, device=noisy.device),
            return_dict=False,
        )[0]
        return out[:, : SIDE * SIDE // 4]


def pack(latents: Tensor) -> Tensor:
    """(B, 8, 16, 16) to FLUX's packed (B, 64, 32)."""
    packed: Tensor = FluxKontextPipeline._pack_latents(latents, len(latents), CHANNELS, SIDE, SIDE)
    return packed


def losses(model: Painter, pools: tuple[Pool, Pool], batch: int, seed: int) -> Callable[[int], dict[str, Tensor]]:
    """Squared error of the velocity; every fifth batch is of edits, a tenth of the prompts are empty."""
    nothing, nothing_pooled = ids([""]).to(device()), clip_ids([""]).to(device())

    def of(step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((seed, step))
        words, pooled, latents = pools[step % EDIT_EVERY == EDIT_EVERY - 1].batch(rng, batch)
        empty = torch.from_numpy(rng.random(batch) < EMPTY_SHARE).to(words.device)[:, None]
        words, pooled = torch.where(empty, nothing, words), torch.where(empty, nothing_pooled, pooled)
        sigma = torch.sigmoid(torch.from_numpy(rng.standard_normal(batch)).float()).to(words.device)
        sigma = SHIFT * sigma / (1 + (SHIFT - 1) * sigma)
        target = pack(latents[:, 0])
        noise = torch.from_numpy(rng.standard_normal(target.shape)).float().to(words.device)
        noisy = target + sigma[:, None, None] * (noise - target)
        source = pack(latents[:, 1]) if latents.shape[1] > 1 else None
        name = "paint" if source is None else "edit"
        return {name: F.mse_loss(model(words, pooled, noisy, source, sigma).float(), noise - target)}

    return of


def pipeline(model: Painter, vae: AutoencoderKL) -> FluxKontextPipeline:
    """The painter as diffusers knows it."""
    scheduler = FlowMatchEulerDiscreteScheduler(shift=SHIFT, use_dynamic_shifting=False)
    return FluxKontextPipeline(
        scheduler=scheduler, vae=vae, text_encoder=model.text_encoder, tokenizer=PROMPTS,
        text_encoder_2=model.text_encoder_2, tokenizer_2=WORDS, transformer=model.transformer,
    )  # fmt: skip


def fit(
    out: Path,
    reader: Path,
    vae: Path,
    pools: tuple[Path, Path],
    work: Path,
    course: Course,
) -> Iterator[Step]:
    """Trains the painter and saves the whole pipeline, its weights as half-precision safetensors."""
    torch.manual_seed(course.seed)
    model = Painter(T5EncoderModel.from_pretrained(reader)).to(device())
    lessons = (Pool(pools[0]), Pool(pools[1]))
    yield from train(
        model,
        Plan(course.steps, course.learning_rate, warmup=300, average=0.999),
        losses(model, lessons, course.batch, course.seed),
        work / "painter.safetensors",
        list(model.children()) if course.compiled else (),
    )
    finished = AutoencoderKL.from_pretrained(vae)
    finished.register_to_config(_name_or_path="")  # else the weights would name a folder of the machine that trained them
    pipeline(model, finished).to("cpu", torch.float16).save_pretrained(out)
