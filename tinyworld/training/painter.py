"""Painter training: flow matching of a small FLUX transformer on text-to-image and editing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxKontextPipeline, FluxTransformer2DModel
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPTextModel, T5EncoderModel

from tinyworld import HELD_OUT
from tinyworld.evaluate import plain_requests
from tinyworld.scene import COLOURS
from tinyworld.training.loop import Course, Step, device, train
from tinyworld.training.pool import NAMES, PARTS, Pool
from tinyworld.training.reader import POOLED, PROMPTS, WIDTH, WORDS, clip, clip_ids, ids
from tinyworld.words import MAX_TOKENS
from trig.backends.families.flow import noised
from trig.backends.families.flux import image_ids, pack

CHANNELS, SIDE = 8, 16
"""Of the latents."""
SHIFT = 4.0
"""Timestep shift towards noise, σ → 4σ/(1+3σ): flat pictures are decided at high noise."""
EMPTY_SHARE = 0.1
NAMING = 0.5
"""Weight of the auxiliary cell classification loss."""

NAMED = {"things": len(NAMES) + 1, "colours": len(COLOURS) + 1, "parts": len(PARTS) + 1}
"""Number of classes per cell."""


def transformer(out_channels: int = 4 * CHANNELS) -> FluxTransformer2DModel:
    """Untrained FLUX transformer of 5 M parameters over 64 picture tokens."""
    return FluxTransformer2DModel(
        patch_size=1, in_channels=4 * CHANNELS, out_channels=out_channels, num_layers=2, num_single_layers=4, attention_head_dim=32, num_attention_heads=6,
        joint_attention_dim=WIDTH, pooled_projection_dim=POOLED, guidance_embeds=False, axes_dims_rope=(8, 12, 12),
    )  # fmt: skip


class Painter(nn.Module):
    """Trained networks; the autoencoder is fixed.

    An auxiliary head predicts kind and colour of each cell of the picture, which takes a fraction of the steps to bind words to shapes, and of each
    cell of the source, and what the instruction makes of it. Its rows of the output layer are cut off at the end.
    """

    def __init__(self, reader: T5EncoderModel) -> None:
        super().__init__()
        self.text_encoder: CLIPTextModel = clip()
        self.text_encoder_2 = reader
        self.transformer = transformer(4 * (CHANNELS + sum(NAMED.values())))
        nn.init.zeros_(self.transformer.proj_out.weight)

    def forward(self, words: Tensor, pooled: Tensor, noisy: Tensor, source: Tensor | None, sigma: Tensor) -> Tensor:
        """Velocity (noise minus picture) of packed latents (B, 64, 32), followed by cell logits: (B, 64, 32 + 4·38); then the source's, if any."""
        places = image_ids(SIDE // 2, SIDE // 2, noisy)
        if source is not None:
            noisy, places = torch.cat((noisy, source), 1), torch.cat((places, image_ids(SIDE // 2, SIDE // 2, noisy, source=True)))
        out: Tensor = self.transformer(
            hidden_states=noisy,
            encoder_hidden_states=self.text_encoder_2(words).last_hidden_state,
            pooled_projections=self.text_encoder(pooled).pooler_output,
            timestep=sigma,
            img_ids=places,
            txt_ids=torch.zeros(MAX_TOKENS, 3, device=noisy.device),
            return_dict=False,
        )[0]
        return out


def losses(model: Painter, pools: Sequence[Pool], turns: Sequence[int], batch: int, seed: int) -> Callable[[int], dict[str, Tensor]]:
    """Losses: squared error of the velocity, and cell classification. The pools take so many batches in turn; a tenth of the prompts are empty."""
    turn = [pool for pool, batches in zip(pools, turns, strict=True) for _ in range(batches)]
    nothing, nothing_pooled = ids([""]).to(device()), clip_ids([""]).to(device())

    def of(step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((seed, step))
        words, pooled, latents, named = turn[step % len(turn)].batch(rng, batch)
        empty = torch.from_numpy(rng.random(batch) < EMPTY_SHARE).to(words.device)[:, None]
        words, pooled = torch.where(empty, nothing, words), torch.where(empty, nothing_pooled, pooled)
        noisy, sigma, velocity = noised(pack(latents[:, 0]), SHIFT, rng)
        source = pack(latents[:, 1]) if latents.shape[1] > 1 else None
        out = model(words, pooled, noisy, source, sigma).float()
        predicted, *told = out.split([4 * CHANNELS, *(4 * answers for answers in NAMED.values())], -1)
        classified = {name: NAMING * _told(said, truth) for name, said, truth in zip(NAMED, told, named.unbind(2), strict=True)}
        parts = {"paint" if source is None else "edit": F.mse_loss(predicted[:, : noisy.shape[1]], velocity)}
        return parts | classified

    return of


def _told(said: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy, one picture's plus the other's, of tokens' logits for four cells (B, 64·pictures, 4·classes) against cells (B, pictures, 16, 16)."""
    cells = torch.cat([pack(each[:, None]) for each in truth.unbind(1)], 1)
    return truth.shape[1] * F.cross_entropy(said.unflatten(-1, (-1, 4)).movedim(2, 1), cells)


def pipeline(model: Painter, vae: AutoencoderKL) -> FluxKontextPipeline:
    """The painter as a diffusers pipeline."""
    finished, rows = transformer(), 4 * CHANNELS
    weights = model.transformer.state_dict()
    finished.load_state_dict(weights | {name: weights[name][:rows] for name in ("proj_out.weight", "proj_out.bias")})
    scheduler = FlowMatchEulerDiscreteScheduler(shift=SHIFT, use_dynamic_shifting=False)
    return FluxKontextPipeline(
        scheduler=scheduler, vae=vae, text_encoder=model.text_encoder, tokenizer=PROMPTS,
        text_encoder_2=model.text_encoder_2, tokenizer_2=WORDS, transformer=finished,
    )  # fmt: skip


def _begun(start: Path) -> Painter:
    """A painter that can read, or one that can paint; the auxiliary head is new."""
    if not (start / "transformer").is_dir():
        return Painter(T5EncoderModel.from_pretrained(start))
    model = Painter(T5EncoderModel.from_pretrained(start / "text_encoder_2", torch_dtype=torch.float32))
    model.text_encoder = CLIPTextModel.from_pretrained(start / "text_encoder", torch_dtype=torch.float32)
    trained = FluxTransformer2DModel.from_pretrained(start / "transformer", torch_dtype=torch.float32).state_dict()
    weights = model.transformer.state_dict()
    for name in ("proj_out.weight", "proj_out.bias"):
        trained[name] = torch.cat((trained[name], weights[name][len(trained[name]) :]))
    model.transformer.load_state_dict(trained)
    return model


def fit(out: Path, start: Path, vae: Path, lessons: Mapping[Path, int], work: Path, course: Course) -> Iterator[Step]:
    """Trains the painter and saves the pipeline, weights as float16 safetensors.

    `start`: a trained reader, or a painter that learns more. `lessons`: how many batches in turn each file of lessons gives.
    """
    torch.manual_seed(course.seed)
    model = _begun(start).to(device())
    held_out = [request.text for request in plain_requests(HELD_OUT)]
    yield from train(
        model,
        course,
        losses(model, [Pool(file, held_out) for file in lessons], list(lessons.values()), course.batch, course.seed),
        work / "painter.safetensors",
        (*lessons, *sorted(file for file in start.rglob("*") if file.is_file())),
        list(model.children()),
    )
    finished = AutoencoderKL.from_pretrained(vae)
    finished.register_to_config(_name_or_path="")  # else the config would contain a local path
    pipeline(model, finished).to("cpu", torch.float16).save_pretrained(out)
