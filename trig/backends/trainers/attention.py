"""Attention that is fast to differentiate."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint as checkpointed

INPUTS = "query", "key", "value"


def differentiable(network: Module) -> AbstractContextManager[object]:
    """Within it, attention is plain matrix products on a processor in bfloat16, and the backend's own choice elsewhere.

    The fused kernel's backward pass takes three times as long there. Attention with a mask, dropout or grouped queries is left as it is.
    """
    weight = next(network.parameters())
    return _Plain() if weight.device.type == "cpu" and weight.dtype == torch.bfloat16 else nullcontext()


def checkpoint(network: Any) -> None:
    """Has the network compute its layers again for gradients, in place of keeping what they need.

    Torch takes the mode of `differentiable` off while gradients are computed, so that what is computed again enters it anew.
    """

    def again(layer: Module, *inputs: Any) -> Any:
        return checkpointed(layer.__call__, *inputs, use_reentrant=False, context_fn=lambda: (nullcontext(), differentiable(network)))

    network.enable_gradient_checkpointing(again)


class _Plain(TorchFunctionMode):
    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if function is scaled_dot_product_attention and len(args) <= len(INPUTS) and not any(map(_asks, given.items())):
            return _attention(*args, **{name: given[name] for name in (*INPUTS, "scale") if name in given})
        return function(*args, **given)


def _asks(argument: tuple[str, Any]) -> bool:
    """Whether more is asked for than attention of all to all: a mask, dropout, causality or grouped queries."""
    name, value = argument
    return name not in {*INPUTS, "scale"} and (isinstance(value, Tensor) or bool(value))


def _attention(query: Tensor, key: Tensor, value: Tensor, scale: float | None = None) -> Tensor:
    """Of (…, tokens, width)."""
    scores = (query * (scale or query.shape[-1] ** -0.5)) @ key.transpose(-1, -2)
    return scores.softmax(-1) @ value
