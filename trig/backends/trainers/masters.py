"""Trained weights of more precision than those that the network computes with."""

from functools import partial

import torch
from torch import Tensor
from torch.nn import Module, Parameter


class Masters:
    """A float32 master of each trainable weight of a network. The network multiplies in its own dtype; no small step is lost in its rounding.

    Each gradient is added to the master's, in float32, as soon as it is whole.
    """

    def __init__(self, network: Module) -> None:
        self.named = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
        self.weights = [Parameter(weight.detach().float().clone()) for weight in self.named.values()]
        for weight, master in zip(self.named.values(), self.weights, strict=True):
            weight.register_post_accumulate_grad_hook(partial(_gather, master))

    def tell(self) -> None:
        """Rounds the masters into the network."""
        with torch.no_grad():
            for weight, master in zip(self.named.values(), self.weights, strict=True):
                weight.copy_(master)

    def state(self) -> dict[str, Tensor]:
        """The masters under the names of the network's weights."""
        return dict(zip(self.named, self.weights, strict=True))


def _gather(master: Parameter, weight: Tensor) -> None:
    assert weight.grad is not None
    gradient, weight.grad = weight.grad.float(), None
    master.grad = gradient if master.grad is None else master.grad + gradient
