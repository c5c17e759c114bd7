"""Painters: the tiny one with its weights, and the largest FLUX that fits, at random weights."""

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxKontextPipeline, FluxPipeline, FluxTransformer2DModel

from benchmarks.accelerator.meter import GB, Meter, Row, built, size

TINY = Path(__file__).parents[2] / "data" / "tiny" / "painter"
FLUX = {
    "in_channels": 64, "num_layers": 19, "num_single_layers": 38, "attention_head_dim": 128, "num_attention_heads": 24,
    "joint_attention_dim": 4096, "pooled_projection_dim": 768, "guidance_embeds": True, "axes_dims_rope": (16, 56, 56),
}  # fmt: skip
"""Published configuration of FLUX.1-dev."""
LADDER = {"FLUX.1-dev": (19, 38), "FLUX.1 of 8 + 38 blocks": (8, 38), "FLUX.1 of 5 + 10 blocks": (5, 10)}
"""Architectures from the largest: double and single blocks. The largest whose weights and activations fit is painted with."""
SMALL = FLUX | {"num_layers": 1, "num_single_layers": 1, "attention_head_dim": 16, "num_attention_heads": 2, "joint_attention_dim": 32,
                "pooled_projection_dim": 16, "in_channels": 16, "axes_dims_rope": (4, 6, 6)}  # fmt: skip
CODER = {"block_out_channels": (128, 256, 512, 512), "latent_channels": 16, "layers_per_block": 2, "norm_num_groups": 32}
SMALL_CODER = {"block_out_channels": (8, 8), "latent_channels": 4, "layers_per_block": 1, "norm_num_groups": 4}
STEPS, TEXT, SIDE = 50, 512, 1024
"""Settings of the model card, to which the timed steps are extrapolated."""
ROOM = 8 * GB
"""Memory beside the weights: activations of one picture, and its decoding."""
SAMPLED = 4
"""Steps between the two timed runs, whose difference gives the time of a step."""


def flops(config: Any, picture: int, text: int) -> float:
    """Operations of one forward pass of a FLUX transformer over a sample, counted from its configuration: products of weights, and attention."""
    inner, tokens = config["num_attention_heads"] * config["attention_head_dim"], picture + text
    block = 24 * inner**2 * tokens + 4 * tokens**2 * inner
    modulation = 2 * inner**2 * (12 * config["num_layers"] + 3 * config["num_single_layers"] + 2)
    ends = picture * config["in_channels"] * 2 + text * config["joint_attention_dim"] + config["pooled_projection_dim"] + inner
    times = (256 + inner) * (2 if config["guidance_embeds"] else 1)
    return float(block * (config["num_layers"] + config["num_single_layers"]) + modulation + 2 * inner * (ends + times))


def tiny(meter: Meter) -> Iterator[Row]:
    """Pictures a second of the shipped painter in bf16."""
    pipe = FluxKontextPipeline.from_pretrained(TINY, dtype=torch.bfloat16, local_files_only=True).to(meter.device)
    pipe.set_progress_bar_config(disable=True)
    steps = 2 if meter.small else 16

    def paint(batch: int) -> tuple[float, str]:
        call = {
            "prompt": ["a red ball in a meadow"] * batch, "negative_prompt": [""] * batch, "true_cfg_scale": 3.0, "num_inference_steps": steps,
            "width": 64, "height": 64, "max_area": 64 * 64, "_auto_resize": False, "max_sequence_length": 32,
            "generator": [torch.Generator().manual_seed(seed) for seed in range(batch)],
        }  # fmt: skip
        with torch.inference_mode():
            pipe(**call | {"num_inference_steps": 1})
            seconds, out = meter.timed(lambda: pipe(**call))
        return seconds / batch, f"{steps} steps, guided; {_blank(out.images)} of one colour"

    tokens, text = 16 * 16, 32
    work = 2 * steps * flops(pipe.transformer.config, tokens, text)
    for batch in (4,) if meter.small else (1, 16, 64):
        yield meter.row("tiny painter", "64 × 64, bf16", "picture", batch, partial(paint, batch), work)


def _blank(pictures: list[Any]) -> int:
    return sum(all(low == high for low, high in picture.convert("RGB").getextrema()) for picture in pictures)


def fitting(meter: Meter) -> tuple[str, dict[str, Any]]:
    """The largest architecture of the ladder that fits, by its published size in bf16. Raises MemoryError where none does."""
    if meter.small:
        return "FLUX in small", SMALL
    for name, (double, single) in LADDER.items():
        config = FLUX | {"num_layers": double, "num_single_layers": single}
        with torch.device("meta"):
            weights = 2 * size(FluxTransformer2DModel(**config))
        if weights + ROOM <= meter.free():
            return name, config
    raise MemoryError(f"no FLUX fits into {meter.free() / GB:.0f} GB")


def transformer(meter: Meter) -> tuple[str, Any]:
    """The largest transformer that fits, at random weights, and its name."""
    name, config = fitting(meter)
    return name, built(lambda: FluxTransformer2DModel(**config), meter.device)


def large(meter: Meter) -> Iterator[Row]:
    """Pictures a second of a FLUX at random weights: the time of a step from two runs, extrapolated to the card's steps."""
    name, pipe = _pipeline(meter)
    for batch in (1,) if meter.small else (1, 4, 16):
        yield _row(meter, name, pipe, batch)


def compiled(meter: Meter) -> Iterator[Row]:
    """The same with compiled blocks."""
    name, pipe = _pipeline(meter)
    pipe.transformer.compile_repeated_blocks(fullgraph=True)
    yield _row(meter, f"{name}, blocks compiled", pipe, 1 if meter.small else 4)


def _pipeline(meter: Meter) -> tuple[str, Any]:
    name, net = transformer(meter)
    coder = SMALL_CODER if meter.small else CODER
    kinds = {"down_block_types": ("DownEncoderBlock2D",), "up_block_types": ("UpDecoderBlock2D",)}
    blocks = {kind: names * len(coder["block_out_channels"]) for kind, names in kinds.items()}  # type: ignore[arg-type]
    vae = built(lambda: AutoencoderKL(**coder, **blocks, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1), meter.device)
    pipe = FluxPipeline(FlowMatchEulerDiscreteScheduler(), vae, None, None, None, None, net)
    pipe.set_progress_bar_config(disable=True)
    return name, pipe


def _row(meter: Meter, name: str, pipe: Any, batch: int) -> Row:
    side, text = (32, 8) if meter.small else (SIDE, TEXT)
    tokens = (side // (2 * pipe.vae_scale_factor)) ** 2
    what = f"{name} ({size(pipe.transformer) / 1e9:.3g} B), {side} × {side}, bf16, {STEPS} steps"
    work = STEPS * flops(pipe.transformer.config, tokens, text)
    return meter.row("painter at random weights", what, "picture", batch, lambda: _sampled(meter, pipe, batch, side, text), work)


def _sampled(meter: Meter, pipe: Any, batch: int, side: int, text: int) -> tuple[float, str]:
    """Seconds a picture, extrapolated, and what they are made of."""
    config, device = pipe.transformer.config, meter.device
    call = {
        "prompt_embeds": torch.randn(batch, text, config.joint_attention_dim, dtype=torch.bfloat16, device=device),
        "pooled_prompt_embeds": torch.randn(batch, config.pooled_projection_dim, dtype=torch.bfloat16, device=device),
        "width": side, "height": side, "generator": [torch.Generator().manual_seed(seed) for seed in range(batch)],
    }  # fmt: skip
    with torch.inference_mode():
        pipe(**call, num_inference_steps=1)
        few, out = meter.timed(lambda: pipe(**call, num_inference_steps=2))
        many, _ = meter.timed(lambda: pipe(**call, num_inference_steps=2 + SAMPLED))
    step = max(many - few, 0) / SAMPLED
    rest = max(few - 2 * step, 0)
    packed, _ = meter.timed(lambda: [picture.save(BytesIO(), "PNG") for picture in out.images])
    return (
        (rest + STEPS * step) / batch,
        f"step {step:.4f} s, decoding {rest / batch:.3f} s and PNG {packed / batch:.3f} s a picture; without text encoders",
    )
