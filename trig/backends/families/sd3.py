"""Stable Diffusion 3 and 3.5."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from trig.backends.families.calls import Share
from trig.backends.families.family import Call, Encoded
from trig.backends.families.flow import Matching


class StableDiffusion3(Matching):
    """Three text encoders, joined with the picture's tokens in every block."""

    pipelines = ("StableDiffusion3Pipeline",)
    text = Share.ANY
    cell = 2
    clock = 1000.0
    targets = (
        "to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out", "ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj",
        "ff_context.net.2",
    )  # fmt: skip

    def told(self, pipe: Any, call: Call, prompts: Sequence[str], cells: Tensor) -> Encoded:
        """Prompts for all three encoders."""
        text, _, pooled, _ = pipe.encode_prompt(
            list(prompts), None, None, do_classifier_free_guidance=False, clip_skip=call.get("clip_skip"),
            max_sequence_length=call.get("max_sequence_length", 256),
        )  # fmt: skip
        return Encoded(cells, {"encoder_hidden_states": text, "pooled_projections": pooled}, {})
