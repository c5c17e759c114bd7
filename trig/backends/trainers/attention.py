"""Attention that is fast to differentiate."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode


def differentiable(network: Module) -> AbstractContextManager[object]:
    """Within it, attention is plain matrix products on a processor in bfloat16, and the backend's own choice elsewhere.

    The fused kernel's backward pass takes three times as long there. Attention with a mask, dropout or grouped queries is left as it is.
    """
    weight = next(network.parameters())
    return _Plain() if weight.device.type == "cpu" and weight.dtype == torch.bfloat16 else nullcontext()


class _Plain(TorchFunctionMode):
    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if function is scaled_dot_product_attention and not any(
            (kwargs or {}).get(name) for name in ("dropout_p", "is_causal", "enable_gqa")
        ):
            return _attention(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))


def _attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, scale: float | None = None, **_: object
) -> Tensor:
    """Of (…, tokens, width)."""
    if attn_mask is not None:
        return scaled_dot_product_attention(query, key, value, attn_mask, scale=scale)
    scores = (query * (scale or query.shape[-1] ** -0.5)) @ key.transpose(-1, -2)
    return scores.softmax(-1) @ value
