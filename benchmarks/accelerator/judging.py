"""Judges: the tiny one with its weights, and Qwen2.5-VL-7B at random weights; questions about a picture share its prefix."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from benchmarks.accelerator.meter import Meter, Row, built, size

TINY = Path(__file__).parents[2] / "data" / "tiny" / "judge"
TEXT = {
    "vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
    "num_key_value_heads": 4, "rms_norm_eps": 1e-6, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
}  # fmt: skip
VISION = {
    "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "patch_size": 14, "out_hidden_size": 3584,
    "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31],
}  # fmt: skip
"""Published configuration of Qwen2.5-VL-7B-Instruct."""
ASKED = 10  # questions about a picture: one for each dimension


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a question: patches of a picture in rows and columns, and tokens of what all share, and of a rubric."""

    rows: int
    columns: int
    prompt: int
    rubric: int


REAL, SMALL = Shape(70, 72, 60, 280), Shape(8, 8, 12, 16)
"""A picture of 980 × 1008 pixels with a long prompt and a full rubric; one of 64 × 64 with a brief one."""


def tiny(meter: Meter) -> Iterator[Row]:
    """Questions a second of the shipped judge in bf16, and how far its answers are from float32."""
    judge = Qwen2_5_VLForConditionalGeneration.from_pretrained(TINY, dtype=torch.float32, local_files_only=True).eval().to(meter.device)
    exact = asked(judge, meter, SMALL, 2)()
    judge = judge.to(torch.bfloat16)
    apart = float((asked(judge, meter, SMALL, 2)() - exact).abs().max())
    for pictures in (1,) if meter.small else (1, 8, 64):
        yield _measured(meter, judge, "tiny judge", f"64 × 64, bf16, at most {apart:.3f} nats from float32", SMALL, pictures)


def large(meter: Meter) -> Iterator[Row]:
    """Questions a second of a judge of 7 billion parameters at random weights."""
    config = Qwen2_5_VLConfig(text_config=TEXT, vision_config=VISION)
    shape = REAL
    if meter.small:
        shape, config = SMALL, Qwen2_5_VLConfig.from_pretrained(TINY, local_files_only=True)
    judge = built(lambda: Qwen2_5_VLForConditionalGeneration(config), meter.device)
    what = f"Qwen2.5-VL ({size(judge) / 1e9:.3g} B), {shape.rows * shape.columns // 4} picture tokens, bf16"
    for pictures in (1,) if meter.small else (1, 4, 16):
        yield _measured(meter, judge, "judge at random weights", what, shape, pictures)


def _measured(meter: Meter, judge: Any, part: str, what: str, shape: Shape, pictures: int) -> Row:
    count = pictures * ASKED
    work = asked(judge, meter, shape, pictures)

    def seconds() -> tuple[float, str]:
        work()
        times = 1 if meter.small else 3
        spent, _ = meter.timed(lambda: [work() for _ in range(times)])
        return spent / times / count, f"{ASKED} questions a picture share its prefix"

    return meter.row(part, what, "question", count, seconds, flops(judge, shape))


def flops(judge: Any, shape: Shape) -> float:
    """Operations of a question with a shared prefix: each weight once per token that passes it. Attention is left out: a lower bound."""
    seen, layers = size(judge.model.visual), size(judge.model.language_model.layers)
    shared = shape.rows * shape.columns // 4 + shape.prompt + 2
    prefix = 2.0 * (seen * shape.rows * shape.columns + layers * shared)
    head: int = judge.lm_head.weight.numel()
    return prefix / ASKED + 2.0 * (layers * shape.rubric + head)


def asked(judge: Any, meter: Meter, shape: Shape, pictures: int) -> Any:
    """A function that asks `ASKED` random questions about each of some random pictures, and gives the log-probabilities of the first answer token."""
    config, device = judge.config, meter.device
    dtype, vision = judge.dtype, config.vision_config
    chance = torch.Generator().manual_seed(0)
    seen = shape.rows * shape.columns // 4
    words = torch.randint(10, 700, (pictures, shape.prompt), generator=chance)
    mark = torch.full((pictures, 1), 1)
    begun = torch.cat(
        (mark * config.vision_start_token_id, mark.expand(-1, seen) * config.image_token_id, mark * config.vision_end_token_id, words), 1
    )
    kinds = (begun == config.image_token_id).int()
    width = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    pixels = torch.randn(pictures * shape.rows * shape.columns, width, generator=chance)
    ends = torch.randint(10, 700, (pictures * ASKED, shape.rubric), generator=chance).to(device)
    grids = torch.tensor([[1, shape.rows, shape.columns]] * pictures)
    first = {"input_ids": begun, "mm_token_type_ids": kinds, "image_grid_thw": grids, "attention_mask": torch.ones_like(begun)}
    first = {name: value.to(device) for name, value in first.items()} | {"pixel_values": pixels.to(device, dtype)}
    whose = torch.arange(pictures, device=device).repeat_interleave(ASKED)

    @torch.inference_mode()
    def ask() -> torch.Tensor:
        cache = judge(**first, use_cache=True, logits_to_keep=1).past_key_values
        cache.batch_select_indices(whose)
        mask = torch.ones(len(whose), begun.shape[1] + shape.rubric, dtype=torch.long, device=device)
        positions = (torch.arange(begun.shape[1], mask.shape[1], device=device) + judge.model.rope_deltas[whose]).expand(3, -1, -1)
        made = judge(input_ids=ends, attention_mask=mask, position_ids=positions, past_key_values=cache, logits_to_keep=1)
        logits: torch.Tensor = made.logits
        return logits[:, -1].float().log_softmax(-1)

    return ask
