"""Training in two precisions: what the network multiplies in, and what its weights are kept in."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor
from torch.nn import Linear
from torch.nn.functional import scaled_dot_product_attention

from trig.backends.trainers.attention import differentiable
from trig.backends.trainers.masters import Masters


def network(dtype: torch.dtype) -> Linear:
    torch.manual_seed(0)
    return Linear(8, 8, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_steps_too_small_for_the_network_add_up_in_its_masters(dtype: torch.dtype) -> None:
    own = network(dtype)
    masters, tiny, steps = Masters(own), 2.0**-14, 64
    before = [weight.detach().clone() for weight in masters.weights]
    optimiser = torch.optim.SGD(masters.weights, lr=1.0)
    for _ in range(steps):
        optimiser.zero_grad()
        sum((weight.sum() for weight in own.parameters()), torch.zeros(())).backward()
        for master in masters.weights:
            assert master.grad is not None and (master.grad == 1).all()
            master.grad *= tiny
        optimiser.step()
        masters.tell()
    for weight, master, old in zip(own.parameters(), masters.weights, before, strict=True):
        assert torch.allclose(master, old - steps * tiny, atol=1e-6)
        assert torch.equal(weight, master.to(dtype)) and weight.grad is None


def test_gradients_of_several_passes_gather_in_float32() -> None:
    own = network(torch.bfloat16)
    masters = Masters(own)
    for scale in (1.0, 2.0**-10):
        torch.autograd.backward(own.bias.sum() * scale)
    gathered = dict(zip(masters.named, masters.weights, strict=True))["bias"].grad
    assert gathered is not None and gathered.dtype == torch.float32
    assert (gathered == 1 + 2.0**-10).all()  # 1 in bfloat16


def test_a_frozen_weight_has_no_master() -> None:
    own = network(torch.bfloat16)
    own.weight.requires_grad_(False)
    assert list(Masters(own).state()) == ["bias"]


def cloud(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_attention_within_a_training_is_attention() -> None:
    query, key, value = (cloud(2, 3, tokens, 16).bfloat16().requires_grad_() for tokens in (5, 7, 7))
    wanted = scaled_dot_product_attention(query.float(), key.float(), value.float())
    mask = torch.ones(5, 7, dtype=torch.bool).tril()
    with differentiable(network(torch.bfloat16)):
        found = scaled_dot_product_attention(query, key, value)
        scaled = scaled_dot_product_attention(query, key, value, scale=0.5)
        masked = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        causal = scaled_dot_product_attention(query, key, value, is_causal=True)
        placed = scaled_dot_product_attention(query, key, value, mask, 0.0, False)
    assert torch.allclose(found.float(), wanted, atol=0.03)
    assert torch.allclose(scaled, scaled_dot_product_attention(query, key, value, scale=0.5), atol=0.03)
    assert torch.equal(masked, scaled_dot_product_attention(query, key, value, attn_mask=mask))
    assert torch.equal(placed, masked)
    assert torch.equal(causal, scaled_dot_product_attention(query, key, value, is_causal=True))
    (wished,) = torch.autograd.grad(wanted.sum(), value, retain_graph=True)
    (gradient,) = torch.autograd.grad(found.sum(), value)
    assert torch.allclose(gradient.float(), wished.float(), atol=0.03)


def test_a_float32_network_keeps_the_attention_of_its_backend() -> None:
    assert isinstance(differentiable(network(torch.float32)), nullcontext)
