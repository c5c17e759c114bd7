"""Trains a LoRA adapter on a FLUX transformer by flow matching, with peft, and saves it as diffusers loads it."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from diffusers import FluxKontextPipeline
from peft import LoraConfig, get_peft_model_state_dict
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from trig.backends.diffusers import Diffusers
from trig.params import Finetune

TARGETS = (
    "to_q",
    "to_k",
    "to_v",
    "to_out.0",
    "add_q_proj",
    "add_k_proj",
    "add_v_proj",
    "to_add_out",
    "proj_mlp",
    "ff.net.0.proj",
    "ff.net.2",
)
"""The attention's projections and both feed-forward nets."""


class Lora:
    """A generator with an adapter that can be trained and nothing else that can. Before the first step it paints as its base does."""

    def __init__(self, base: Diffusers, settings: Finetune, seed: int) -> None:
        self.pipe: FluxKontextPipeline = base.pipe
        self.settings, self.seed = settings, seed
        torch.manual_seed(seed)
        for part in (self.pipe.transformer, self.pipe.vae, self.pipe.text_encoder, self.pipe.text_encoder_2):
            part.requires_grad_(False)
        self.pipe.transformer.add_adapter(LoraConfig(r=settings.rank, lora_alpha=settings.rank, target_modules=list(TARGETS)))

    def trainable(self) -> list[torch.nn.Parameter]:
        """The adapter's weights."""
        return [weight for weight in self.pipe.transformer.parameters() if weight.requires_grad]

    def steps(self, samples: Sequence[tuple[str, bytes]]) -> Iterator[float]:
        """Trains on (prompt, PNG) samples; yields each step's mean squared error of the velocity."""
        text, pooled, ids, latents, places = self._encode(samples)
        optimiser = torch.optim.AdamW(self.trainable(), lr=self.settings.learning_rate, weight_decay=1e-4)
        shift = self.pipe.scheduler.config.shift
        for step in range(self.settings.steps):
            rng = np.random.default_rng((self.seed, step))
            rows = torch.from_numpy(rng.integers(0, len(samples), self.settings.batch_size))
            sigma = torch.sigmoid(torch.from_numpy(rng.standard_normal(len(rows))).float())
            sigma = (shift * sigma / (1 + (shift - 1) * sigma)).to(latents.device)
            clean = latents[rows]
            noise = torch.from_numpy(rng.standard_normal(clean.shape)).to(clean)
            out = self.pipe.transformer(
                hidden_states=clean + sigma[:, None, None] * (noise - clean), encoder_hidden_states=text[rows], pooled_projections=pooled[rows],
                timestep=sigma, img_ids=places, txt_ids=ids, return_dict=False,
            )[0]  # fmt: skip
            loss = F.mse_loss(out, noise - clean)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.trainable(), 1.0)
            optimiser.step()
            yield float(loss.detach())

    @torch.no_grad()
    def _encode(self, samples: Sequence[tuple[str, bytes]]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        pipe = self.pipe
        text, pooled, ids = pipe.encode_prompt(
            [prompt for prompt, _ in samples], None, max_sequence_length=min(512, pipe.tokenizer_2.model_max_length)
        )
        pictures = [Image.open(BytesIO(png)).convert("RGB") for _, png in samples]
        pixels = pipe.image_processor.preprocess(pictures).to(pipe.vae.device)
        latents = pipe._encode_vae_image(pixels, generator=None)
        count, channels, height, width = latents.shape
        places = pipe._prepare_latent_image_ids(count, height // 2, width // 2, latents.device, latents.dtype)
        return text, pooled, ids, pipe._pack_latents(latents, count, channels, height, width), places

    def save(self, folder: Path) -> None:
        """Writes the adapter as `pytorch_lora_weights.safetensors`."""
        FluxKontextPipeline.save_lora_weights(
            folder, transformer_lora_layers=get_peft_model_state_dict(self.pipe.transformer), safe_serialization=True
        )
