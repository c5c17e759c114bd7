"""Rotary position embeddings as products of complex numbers: the bits of diffusers' own, in a sixth of the time on a processor."""

import sys
from collections.abc import Callable
from typing import Any

import torch
from diffusers.models import embeddings
from torch import Tensor
from torch.nn import Module

DIFFUSERS: Callable[..., Tensor] = embeddings.apply_rotary_emb
NAME = "apply_rotary_emb"
LANES = 16
"""A head is so many numbers wide, or a multiple: others end in a remainder, which torch multiplies with a rounding less."""
Turns = tuple[Tensor, Tensor]
"""Cosines and sines, each (tokens, width)."""


def quicken(network: Module) -> None:
    """Has a network of diffusers that is on a processor turn its queries and keys so, where it turns them as FLUX does and no bit changes."""
    module = sys.modules[type(network).__module__]
    if getattr(module, NAME, None) is DIFFUSERS and exact():
        setattr(module, NAME, rotated)


def exact() -> bool:
    """Whether this processor rounds both alike: one that multiplies complex numbers with fused operations does not."""
    numbers, angles = torch.linspace(-3, 3, 7 * 3 * LANES).view(1, 7, 3, LANES), torch.linspace(0, 9, 7 * LANES // 2)
    turns = angles.view(7, -1).repeat_interleave(2, 1)
    told = turns.cos(), turns.sin()
    return torch.equal(DIFFUSERS(numbers, told, sequence_dim=1), rotated(numbers, told, sequence_dim=1))


def rotated(x: Tensor, freqs_cis: Any, use_real: bool = True, use_real_unbind_dim: int = -1, sequence_dim: int = 2) -> Tensor:
    """Queries or keys (batch, heads, tokens, width), turned; with sequence_dim 1 (batch, tokens, heads, width).

    Whatever wants gradients, is compiled, lies elsewhere or pairs its numbers otherwise goes to diffusers.
    """
    as_flux = use_real and use_real_unbind_dim == -1 and sequence_dim in (1, 2) and x.shape[-1] % LANES == 0
    if as_flux and x.device.type == "cpu" and not _watched(x) and _pairs(freqs_cis):
        turns = torch.complex(*(part[:, ::2].contiguous() for part in freqs_cis))
        numbers = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
        return torch.view_as_real(numbers * (turns if sequence_dim == 2 else turns[:, None])).flatten(-2).to(x.dtype)
    return DIFFUSERS(x, freqs_cis, use_real, use_real_unbind_dim, sequence_dim)


def _watched(x: Tensor) -> bool:
    """Whether somebody follows the operations: gradients would round otherwise, and compilers know no complex numbers."""
    return x.requires_grad or torch.compiler.is_compiling()


def _pairs(turns: Turns) -> bool:
    """Whether both numbers of a pair are turned by the same float32 angle."""
    return all(part.ndim == 2 and part.dtype == torch.float32 and torch.equal(part[:, ::2], part[:, 1::2]) for part in turns)
