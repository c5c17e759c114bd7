"""Stable Diffusion 1 and 2, and SDXL."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from trig.backends.families.calls import Share
from trig.backends.families.diffusion import Diffusing
from trig.backends.families.family import Call, Encoded


class StableDiffusion(Diffusing):
    """One text encoder."""

    pipelines = ("StableDiffusionPipeline",)
    text = Share.ANY

    def told(self, pipe: Any, call: Call, prompts: Sequence[str], cells: Tensor) -> Encoded:
        """The prompts' tokens."""
        text, _ = pipe.encode_prompt(list(prompts), pipe.device, 1, False, clip_skip=call.get("clip_skip"))
        return Encoded(cells, {"encoder_hidden_states": text}, {})


class StableDiffusionXL(Diffusing):
    """Two text encoders; the network is told the pooled prompt and the picture's size."""

    pipelines = ("StableDiffusionXLPipeline",)
    text = Share.ANY

    def told(self, pipe: Any, call: Call, prompts: Sequence[str], cells: Tensor) -> Encoded:
        """The prompts' tokens, their sum, and the size, of which nothing is cropped."""
        text, _, pooled, _ = pipe.encode_prompt(list(prompts), do_classifier_free_guidance=False, clip_skip=call.get("clip_skip"))
        size = [call["height"], call["width"]]
        places = [*call.get("original_size", size), *call.get("crops_coords_top_left", (0, 0)), *call.get("target_size", size)]
        sizes = torch.tensor([places] * len(prompts), dtype=text.dtype, device=text.device)
        return Encoded(cells, {"encoder_hidden_states": text, "text_embeds": pooled, "time_ids": sizes}, {})

    def against(self, pipe: Any, call: Call, prompts: Sequence[str]) -> Encoded:
        """Without a negative prompt, zeros where the pipeline says so."""
        found = super().against(pipe, call, prompts)
        if not call.get("negative_prompt") and pipe.config.get("force_zeros_for_empty_prompt"):
            for name in ("encoder_hidden_states", "text_embeds"):
                found.conditions[name].zero_()
        return found
