"""FLUX and FLUX Kontext."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from diffusers import FluxKontextPipeline
from torch import Tensor

from trig.backends.families.calls import Calls, Share
from trig.backends.families.family import Encoded, Family
from trig.backends.families.flow import levels, move, noised
from trig.backends.families.moves import Move
from trig.params.models.diffusers import DiffusersModel
from trig.pictures import pixels
from trig.protocols.tuner import Sample


class Flux(Family):
    """Rectified flow over packed latents; Kontext adds the tokens of a source picture."""

    pipelines = ("FluxPipeline", "FluxKontextPipeline", "FluxKontextInpaintPipeline")
    conveniences = Calls.conveniences | {"max_area"}
    text = edits = Share.ANY
    cell = 2
    empty_negative = True
    network = "transformer"
    targets = (
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
    """Attention projections and feed-forward layers."""

    def arguments(self, model: DiffusersModel, accepts: Collection[str], distilled: bool) -> dict[str, Any]:
        """Kontext resizes its output to `max_area`. An entry may ask a distilled model for true guidance beside its own."""
        wanted = super().arguments(model, accepts, distilled) | {"max_area": model.width * model.height}
        return wanted | ({"negative_prompt": model.negative_prompt} if self._guided_truly(model) else {})

    def paints_text(self, accepts: Collection[str]) -> bool:  # noqa: ARG002
        """Always: Kontext's source is optional."""
        return True

    def faults(self, pipe: Any, model: DiffusersModel) -> Iterator[str]:
        """True guidance takes a negative prompt."""
        yield from super().faults(pipe, model.model_copy(update={"negative_prompt": ""}) if self._guided_truly(model) else model)

    def _guided_truly(self, model: DiffusersModel) -> bool:
        asked = model.call.get("true_cfg_scale")
        return isinstance(asked, int | float) and asked > 1

    def encode(self, pipe: Any, samples: Sequence[Sample]) -> Encoded:
        """Packed latents (B, tokens, channels) of all samples, which are of one size, and their prompts for both text encoders."""
        conditions, text_ids = self._texts(pipe, [prompt for prompt, _ in samples])
        shown = pipe.image_processor.preprocess([pixels(png) for _, png in samples]).to(pipe.vae.device, pipe.vae.dtype)
        latents = FluxKontextPipeline._encode_vae_image(pipe, shown, generator=None)
        _, _, height, width = latents.shape
        return Encoded(
            pack(latents),
            conditions,
            {"txt_ids": text_ids, "img_ids": image_ids(height // 2, width // 2, latents)},
        )

    def _texts(self, pipe: Any, prompts: Sequence[str]) -> tuple[dict[str, Tensor], Tensor]:
        """Conditions, and the positions of their tokens."""
        text, pooled, places = pipe.encode_prompt(list(prompts), None, max_sequence_length=min(512, pipe.tokenizer_2.model_max_length))
        return {"encoder_hidden_states": text, "pooled_projections": pooled}, places

    def noised(self, pipe: Any, clean: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Rectified flow with the scheduler's shift."""
        return noised(clean, pipe.scheduler.config.shift, rng)

    def predict(self, pipe: Any, given: Encoded, noisy: Tensor, level: Tensor) -> Tensor:
        """Velocity (B, tokens, channels)."""
        predicted: Tensor = pipe.transformer(hidden_states=noisy, timestep=level, **given.conditions, **given.shared, return_dict=False)[0]
        return predicted

    def begin(self, pipe: Any, prompts: Sequence[str], width: int, height: int) -> Encoded:
        """Packed latents, without the tokens of a source."""
        conditions, text_ids = self._texts(pipe, prompts)
        text, cells = conditions["encoder_hidden_states"], 2 * pipe.vae_scale_factor
        rows, columns = height // cells, width // cells
        latents = text.new_zeros(len(prompts), rows * columns, pipe.transformer.config.in_channels)
        return Encoded(latents, conditions, {"txt_ids": text_ids, "img_ids": image_ids(rows, columns, latents)})

    def levels(self, pipe: Any, given: Encoded, steps: int) -> list[float]:
        """Those of the scheduler."""
        return levels(pipe.scheduler, steps, given.latents.shape[1])

    def move(self, pipe: Any, latents: Tensor, said: Tensor, now: float, then: float, noise: float) -> Move:  # noqa: ARG002
        """Of flow matching."""
        return move(latents, said, now, then, noise)

    def shown(self, pipe: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """Unpacked and decoded."""
        cells = FluxKontextPipeline._unpack_latents(latents, height, width, pipe.vae_scale_factor)
        vae = pipe.vae
        decoded = vae.decode((cells / vae.config.scaling_factor + vae.config.shift_factor).to(vae.dtype), return_dict=False)[0]
        pictures: Tensor = (decoded.float() / 2 + 0.5).clamp(0, 1)
        return pictures


def pack(latents: Tensor) -> Tensor:
    """Packs (B, C, H, W) into (B, H·W/4, 4·C): a token per 2 × 2 cells."""
    packed: Tensor = FluxKontextPipeline._pack_latents(latents, *latents.shape)
    return packed


def image_ids(rows: int, columns: int, like: Tensor, source: bool = False) -> Tensor:
    """Positions (rows·columns, 3) of picture tokens: 1 for a source picture, else 0; row; column."""
    places: Tensor = FluxKontextPipeline._prepare_latent_image_ids(1, rows, columns, like.device, like.dtype)
    return places + torch.tensor([1, 0, 0]).to(places) if source else places
