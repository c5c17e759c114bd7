"""Qwen-Image."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from trig.backends.families.calls import Share
from trig.backends.families.family import Call, Encoded
from trig.backends.families.flux import Packed, pack


class QwenImage(Packed):
    """Prompts are as long as they are; the autoencoder is one of videos, of one frame."""

    pipelines = ("QwenImagePipeline",)
    text = Share.ANY
    empty_negative = True
    targets = (
        "to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out", "img_mlp.net.0.proj", "img_mlp.net.2",
        "txt_mlp.net.0.proj", "txt_mlp.net.2",
    )  # fmt: skip

    def told(self, pipe: Any, call: Call, prompts: Sequence[str], cells: Tensor) -> Encoded:
        """Packed latents, and prompts with their masks."""
        text, mask = pipe.encode_prompt(list(prompts), max_sequence_length=call.get("max_sequence_length", 512))
        mask = torch.ones(text.shape[:2], dtype=torch.long, device=text.device) if mask is None else mask
        _, _, height, width = cells.shape
        shared = {"img_shapes": [[(1, height // 2, width // 2)]]}
        return Encoded(pack(cells), {"encoder_hidden_states": text, "encoder_hidden_states_mask": mask}, shared)

    def guided(self, toward: Tensor, away: Tensor, scale: float) -> Tensor:
        """As long as the prediction without guidance, token by token."""
        found = super().guided(toward, away, scale)
        ratio: Tensor = toward.norm(dim=-1, keepdim=True) / found.norm(dim=-1, keepdim=True)
        return found * ratio

    def cells(self, pipe: Any, pictures: Tensor) -> Tensor:
        """Of a video of one frame."""
        return super().cells(pipe, pictures.unsqueeze(2)).squeeze(2)

    def unpacked(self, pipe: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """Of a video of one frame."""
        return super().unpacked(pipe, latents, width, height).unsqueeze(2)

    def shown(self, pipe: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """The frame."""
        frames: Tensor = super().shown(pipe, latents, width, height)
        return frames.squeeze(2)
