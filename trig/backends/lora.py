"""LoRA fine-tuning of a FLUX transformer by flow matching, with peft; saved in diffusers format."""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from math import isfinite
from pathlib import Path

import numpy as np
import torch
from diffusers import FluxKontextPipeline
from peft import LoraConfig, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from trig.backends.flow import noised
from trig.backends.painters.diffusers import Diffusers
from trig.backends.weights import CARD
from trig.errors import ParamsError
from trig.files import replace, replacing
from trig.keys import content_key
from trig.memory import require
from trig.params.finetune import Finetune
from trig.pictures import pixels

TRAINING = 1
"""Cache version: raise it when training changes, so that old checkpoints are not resumed."""
COPIES = 4
"""Tensors per trained weight: the weight, its gradient and two AdamW moments."""
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
"""LoRA target modules: attention projections and feed-forward layers."""


class Lora:
    """A generator with a trainable LoRA adapter, all else frozen. At step 0 it equals its base."""

    def __init__(self, base: Diffusers, settings: Finetune, seed: int) -> None:
        self.pipe: FluxKontextPipeline = base.pipe
        self.revision = content_key(base=base.revision, settings=settings, seed=seed, training=TRAINING)
        self.settings, self.seed = settings, seed
        torch.manual_seed(seed)
        for part in (self.pipe.transformer, self.pipe.vae, self.pipe.text_encoder, self.pipe.text_encoder_2):
            part.requires_grad_(False)
        self._fits()
        self.pipe.transformer.add_adapter(LoraConfig(r=settings.rank, lora_alpha=settings.rank, target_modules=list(TARGETS)))
        self.optimiser = torch.optim.AdamW(self.trainable(), lr=settings.learning_rate, weight_decay=1e-4)

    def _fits(self) -> None:
        """Raises ParamsError if adapter weights, gradients and optimiser state exceed memory."""
        layers = (layer for name, layer in self.pipe.transformer.named_modules() if name.endswith(TARGETS))
        width = sum(layer.in_features + layer.out_features for layer in layers)
        require(width * self.settings.rank * 4 * COPIES, "params.yaml: finetune.rank")

    def trainable(self) -> list[torch.nn.Parameter]:
        """The adapter's parameters."""
        return [weight for weight in self.pipe.transformer.parameters() if weight.requires_grad]

    def key(self, samples: Sequence[tuple[str, bytes]]) -> str:
        """Content key of a training run: base model, hyperparameters, seed and samples."""
        return content_key(tuner=self.revision, samples=[(prompt, blake2b(png, digest_size=16).digest()) for prompt, png in samples])

    def steps(self, samples: Sequence[tuple[str, bytes]], done: int = 0) -> Iterator[float]:
        """Trains on (prompt, PNG) samples, resuming after `done` steps; yields the flow-matching loss (MSE of the velocity) of each step.

        Batch, noise levels and noise are seeded by (seed, step). Raises ParamsError when the loss is not finite.
        """
        text, pooled, ids, latents, places = self._encode(samples)
        shift = self.pipe.scheduler.config.shift
        for step in range(done, self.settings.steps):
            rng = np.random.default_rng((self.seed, step))
            rows = torch.from_numpy(rng.integers(0, len(samples), self.settings.batch_size))
            noisy, sigma, velocity = noised(latents[rows], shift, rng)
            out = self.pipe.transformer(
                hidden_states=noisy, encoder_hidden_states=text[rows], pooled_projections=pooled[rows],
                timestep=sigma, img_ids=places, txt_ids=ids, return_dict=False,
            )[0]  # fmt: skip
            loss = F.mse_loss(out, velocity)
            if not isfinite(said := float(loss.detach())):
                raise self._diverged(f"the loss is not finite at step {step + 1} of {self.settings.steps}")
            self.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.trainable(), 1.0)
            self.optimiser.step()
            yield said

    def _diverged(self, how: str) -> ParamsError:
        return ParamsError(f"params.yaml: finetune.learning_rate: {self.settings.learning_rate}: training diverges, {how}; lower it")

    def save_checkpoint(self, file: Path, losses: Sequence[float]) -> None:
        """Writes the adapter, optimiser state and loss history; a resumed run gives the same adapter."""
        state = self.optimiser.state_dict()["state"]
        tensors = {f"{place}.weight": weight.detach() for place, weight in enumerate(self.trainable())}
        tensors |= {f"{place}.{name}": value for place, values in state.items() for name, value in values.items()}
        with replacing(file) as part:
            save_file(tensors, part, {"losses": json.dumps(list(losses))})

    @torch.no_grad()
    def load_checkpoint(self, file: Path) -> list[float]:
        """Restores a checkpoint and returns its losses; empty if the file is damaged, and training starts over."""
        try:
            with safe_open(file, "pt") as kept:
                losses: list[float] = json.loads(kept.metadata()["losses"])
                tensors = {name: kept.get_tensor(name) for name in kept.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError, TypeError, KeyError):
            return []
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            place, _, what = name.partition(".")
            state.setdefault(int(place), {})[what] = tensor
        for place, weight in enumerate(self.trainable()):
            weight.copy_(state[place].pop("weight"))
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})
        return losses

    @torch.no_grad()
    def _encode(self, samples: Sequence[tuple[str, bytes]]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        pipe = self.pipe
        text, pooled, ids = pipe.encode_prompt(
            [prompt for prompt, _ in samples], None, max_sequence_length=min(512, pipe.tokenizer_2.model_max_length)
        )
        shown = pipe.image_processor.preprocess([pixels(png) for _, png in samples]).to(pipe.vae.device)
        latents = pipe._encode_vae_image(shown, generator=None)
        count, channels, height, width = latents.shape
        places = pipe._prepare_latent_image_ids(count, height // 2, width // 2, latents.device, latents.dtype)
        return text, pooled, ids, pipe._pack_latents(latents, count, channels, height, width), places

    def save(self, folder: Path, about: Mapping[str, object]) -> None:
        """Writes `pytorch_lora_weights.safetensors` and the tuning card. Raises ParamsError when a weight is not finite."""
        if not all(weight.isfinite().all() for weight in self.trainable()):
            raise self._diverged("a weight is not finite after the last step")
        FluxKontextPipeline.save_lora_weights(
            folder, transformer_lora_layers=get_peft_model_state_dict(self.pipe.transformer), safe_serialization=True
        )
        replace(folder / CARD, json.dumps(dict(about), indent=2).encode() + b"\n")
