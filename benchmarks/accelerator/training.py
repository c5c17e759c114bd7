"""Training: a step of a LoRA adapter on the largest FLUX that fits."""

from collections.abc import Iterator
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from torch.nn import functional as F

from benchmarks.accelerator.meter import Meter, Row
from benchmarks.accelerator.painting import SIDE, TEXT, flops, transformer

TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
RANK = 16
CHEAPEST = 2
"""Arithmetic of a step over that of a forward pass: forward, and the gradient of what the frozen weights read. Checkpointing recomputes one more."""


def lora(meter: Meter) -> Iterator[Row]:
    """Seconds a sample of training steps: bf16 base, float32 adapter, gradient checkpointing, AdamW."""
    name, net = transformer(meter)
    inject_adapter_in_model(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=TARGETS), net)
    trained = [each for part, each in net.named_parameters() if "lora_" in part]
    for each in trained:
        each.data = each.data.float()
        each.requires_grad_()
    net.train()
    net.enable_gradient_checkpointing()
    optimizer = torch.optim.AdamW(trained, lr=1e-4)
    side, text = (4, 8) if meter.small else (SIDE // 16, TEXT)
    work = CHEAPEST * flops(net.config, side * side, text)
    for batch in (1,) if meter.small else (1, 4):
        step = _step(net, optimizer, meter, batch, side, text)

        def measured(batch: int = batch, step: Any = step) -> tuple[float, str]:
            step()
            times = 1 if meter.small else 3
            seconds, losses = meter.timed(lambda: [float(step()) for _ in range(times)])
            return seconds / times / batch, f"rank {RANK}, {len(trained)} tensors; loss {losses[-1]:.3g}"

        yield meter.row("LoRA step", f"{name}, {side * 16} × {side * 16}, checkpointed", "sample", batch, measured, work)


def _step(net: Any, optimizer: torch.optim.Optimizer, meter: Meter, batch: int, side: int, text: int) -> Any:
    device, config = meter.device, net.config
    tokens = side * side
    latents, target = (torch.randn(batch, tokens, config.in_channels, device=device) for _ in range(2))
    words = torch.randn(batch, text, config.joint_attention_dim, device=device)
    pooled = torch.randn(batch, config.pooled_projection_dim, device=device)
    places = torch.zeros(tokens, 3, device=device)
    places[:, 1], places[:, 2] = torch.arange(tokens, device=device) // side, torch.arange(tokens, device=device) % side
    when = torch.full((batch,), 0.5, device=device)

    def step() -> torch.Tensor:
        with torch.autocast(device.partition(":")[0], dtype=torch.bfloat16):
            said = net(
                hidden_states=latents, encoder_hidden_states=words, pooled_projections=pooled, timestep=when, guidance=when,
                img_ids=places, txt_ids=torch.zeros(text, 3, device=device), return_dict=False,
            )[0]  # fmt: skip
        loss = F.mse_loss(said.float(), target)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return step
