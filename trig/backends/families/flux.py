"""FLUX and FLUX Kontext."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from diffusers import FluxKontextPipeline
from torch import Tensor

from trig.backends.families.calls import Calls, Share, parameters
from trig.backends.families.family import Call, Encoded
from trig.backends.families.flow import Matching
from trig.params.models.diffusers import DiffusersModel
from trig.pictures import pixels
from trig.protocols.tuner import Sample

SOURCE = "source"
"""Condition that holds the tokens of source pictures."""


class Packed(Matching):
    """A token is four cells of the autoencoder's latents, and has its channels; noise levels are spaced evenly."""

    cell = 2
    even = True

    def channels(self, pipe: Any) -> int:
        """A quarter of a token's."""
        return super().channels(pipe) // 4

    def tokens(self, pipe: Any, latents: Tensor) -> int:  # noqa: ARG002
        """They stand in a row."""
        return latents.shape[1]

    def unpacked(self, pipe: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """Four cells of each token."""
        cells: Tensor = FluxKontextPipeline._unpack_latents(latents, height, width, pipe.vae_scale_factor)
        return cells


class Flux(Packed):
    """Kontext adds the tokens of a source picture."""

    pipelines = ("FluxPipeline", "FluxKontextPipeline", "FluxKontextInpaintPipeline")
    conveniences = Calls.conveniences | {"max_area"}
    text = edits = Share.ANY
    empty_negative = True
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
        "ff_context.net.0.proj",
        "ff_context.net.2",
    )

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

    def unfit(self, pipe: Any) -> str | None:  # noqa: ARG002
        """Never: where guidance is distilled, the adapter is trained at the guidance that its base is painted with."""
        return None

    def told(self, pipe: Any, call: Call, prompts: Sequence[str], cells: Tensor) -> Encoded:
        """Packed latents, and prompts for both text encoders."""
        text, pooled, places = pipe.encode_prompt(list(prompts), None, max_sequence_length=call.get("max_sequence_length", 512))
        conditions = {"encoder_hidden_states": text, "pooled_projections": pooled}
        if self.distilled(pipe):
            conditions["guidance"] = torch.full((len(prompts),), float(call["guidance_scale"]), device=text.device)
        _, _, height, width = cells.shape
        return Encoded(pack(cells), conditions, {"txt_ids": places, "img_ids": image_ids(height // 2, width // 2, cells)})

    def learns_edits(self, pipe: Any) -> bool:
        """Where a call takes a source picture and nothing that says what of it to paint."""
        return "image" in (taken := parameters(pipe.__call__)) and "mask_image" not in taken

    def encode(self, pipe: Any, call: Call, samples: Sequence[Sample]) -> Encoded:
        """Sources stand behind the picture's tokens, in their own size as far as the pipeline's multiples allow."""
        given = super().encode(pipe, call, samples)
        sources = [pixels(sample.source) for sample in samples if sample.source is not None]
        if not sources:
            return given
        assert len({source.size for source in sources}) == 1 and len(sources) == len(samples)
        step = self.multiple(pipe)
        width, height = (side // step * step for side in sources[0].size)
        cells = self.cells(pipe, pipe.image_processor.preprocess(sources, height, width))
        _, _, height, width = cells.shape
        places = torch.cat([given.shared["img_ids"], image_ids(height // 2, width // 2, cells, source=True)])
        return replace(given, conditions={**given.conditions, SOURCE: pack(cells)}, shared={**given.shared, "img_ids": places})

    def predict(self, pipe: Any, given: Encoded, noisy: Tensor, level: Tensor) -> Tensor:
        """Velocity of the picture's own tokens."""
        if SOURCE not in given.conditions:
            return super().predict(pipe, given, noisy, level)
        rest = {name: tensor for name, tensor in given.conditions.items() if name != SOURCE}
        tokens = torch.cat([noisy, given.conditions[SOURCE].to(noisy)], dim=1)
        return super().predict(pipe, replace(given, conditions=rest), tokens, level)[:, : noisy.shape[1]]


def pack(latents: Tensor) -> Tensor:
    """Packs (B, C, H, W) into (B, H·W/4, 4·C): a token per 2 × 2 cells."""
    packed: Tensor = FluxKontextPipeline._pack_latents(latents, *latents.shape)
    return packed


def image_ids(rows: int, columns: int, like: Tensor, source: bool = False) -> Tensor:
    """Positions (rows·columns, 3) of picture tokens: 1 for a source picture, else 0; row; column."""
    places: Tensor = FluxKontextPipeline._prepare_latent_image_ids(1, rows, columns, like.device, like.dtype)
    return places + torch.tensor([1, 0, 0]).to(places) if source else places
