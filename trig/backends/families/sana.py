"""Sana."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from trig.backends.families.calls import Share, parameters
from trig.backends.families.family import Call, Encoded
from trig.backends.families.flow import Matching

INSTRUCTION = "complex_human_instruction"
"""Argument of the pipeline: what stands before a prompt, and not before a negative one."""


class Sana(Matching):
    """Linear attention over the latents of a deep autoencoder; feed-forward layers are convolutions of one cell."""

    pipelines = ("SanaPipeline",)
    text = Share.ANY
    least = 32
    clock = 1000.0
    targets = ("to_q", "to_k", "to_v", "to_out.0", "conv_inverted", "conv_point")

    def told(self, pipe: Any, call: Call, prompts: Sequence[str], cells: Tensor) -> Encoded:
        """Prompts with their instruction, and their masks."""
        told = {
            name: each for name, each in parameters(pipe.__call__).items() if name in (INSTRUCTION, "max_sequence_length", "clean_caption")
        }
        asked = {name: call.get(name, each) for name, each in told.items()}
        text, mask, _, _ = pipe.encode_prompt(list(prompts), do_classifier_free_guidance=False, **asked)
        return Encoded(cells, {"encoder_hidden_states": text.to(pipe.transformer.dtype), "encoder_attention_mask": mask}, {})

    def against(self, pipe: Any, call: Call, prompts: Sequence[str]) -> Encoded:
        """Without an instruction."""
        return super().against(pipe, {**call, INSTRUCTION: None}, prompts)
