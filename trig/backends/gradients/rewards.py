"""Rewards that have a gradient: of decoded pictures, without weights."""

from collections.abc import Callable, Sequence
from typing import TypeAlias, assert_never

from torch import Tensor

from trig.params.finetune import Differentiable

Reward: TypeAlias = Callable[[Tensor, Sequence[str]], Tensor]
"""Pictures (B, 3, height, width) of 0 to 1 and their prompts → rewards (B,), through which gradients flow. A `torch.nn.Module` is one."""


def load(name: Differentiable) -> Reward:
    """The reward of a name."""
    match name:
        case "saturation":
            return saturation
        case _:
            assert_never(name)


def saturation(pictures: Tensor, _: Sequence[str]) -> Tensor:
    """Mean over pixels of (largest - smallest channel) / largest, as the figure of that name is."""
    most, least = pictures.amax(1), pictures.amin(1)
    return ((most - least) / most.clamp_min(1 / 255)).mean((1, 2))
