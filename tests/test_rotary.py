"""Rotary embeddings: the same bits as diffusers', wherever they are computed otherwise."""

from collections.abc import Callable

import pytest
import torch
from diffusers.models.transformers import transformer_flux
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trig.backends import rotary
from trig.backends.rotary import DIFFUSERS, NAME, quicken, rotated


def turns(tokens: int, width: int, seed: int) -> tuple[Tensor, Tensor]:
    angles = torch.randn(tokens, width // 2, generator=torch.Generator().manual_seed(seed)).repeat_interleave(2, 1)
    return angles.cos(), angles.sin()


@settings(max_examples=60)
@given(
    batch=st.integers(1, 9),
    tokens=st.integers(1, 40),
    heads=st.integers(1, 5),
    pairs=st.integers(1, 72),
    dimension=st.sampled_from([1, 2]),
    dtype=st.sampled_from([torch.bfloat16, torch.float16, torch.float32]),
    seed=st.integers(0, 2**31),
)
def test_they_are_bit_for_bit_those_of_diffusers(
    batch: int, tokens: int, heads: int, pairs: int, dimension: int, dtype: torch.dtype, seed: int
) -> None:
    shape = (batch, tokens, heads, 2 * pairs) if dimension == 1 else (batch, heads, tokens, 2 * pairs)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).mul(9).to(dtype)
    told = turns(tokens, 2 * pairs, seed)
    for given_x in (x, x.transpose(0, 1).contiguous().transpose(0, 1)):
        expected, found = (rotate(given_x, told, sequence_dim=dimension) for rotate in (DIFFUSERS, rotated))
        assert expected.dtype == found.dtype and expected.shape == found.shape
        assert torch.equal(expected, found) or not rotary.exact()


@pytest.mark.parametrize("case", ["other halves", "other angles"])
def test_what_pairs_its_numbers_otherwise_goes_to_diffusers(case: str) -> None:
    x, told = torch.randn(2, 7, 3, 32), turns(7, 32, 0)
    if case == "other angles":
        told = torch.randn(7, 32), torch.randn(7, 32)
    halves = -2 if case == "other halves" else -1
    assert torch.equal(
        rotated(x, told, use_real_unbind_dim=halves, sequence_dim=1), DIFFUSERS(x, told, use_real_unbind_dim=halves, sequence_dim=1)
    )


def test_gradients_are_those_of_diffusers() -> None:
    def gradient(rotate: Callable[..., Tensor]) -> Tensor | None:
        x = torch.randn(2, 7, 3, 32, generator=torch.Generator().manual_seed(0)).bfloat16().requires_grad_()
        rotate(x, turns(7, 32, 0), sequence_dim=1).float().square().sum().backward()
        return x.grad

    expected, found = gradient(DIFFUSERS), gradient(rotated)
    assert expected is not None and found is not None and torch.equal(expected, found)


def test_a_network_that_turns_as_flux_does_is_quickened_and_another_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformer_flux, NAME, DIFFUSERS)
    quicken(torch.nn.Linear(1, 1))
    assert transformer_flux.apply_rotary_emb is DIFFUSERS
    shape = {"num_layers": 1, "num_single_layers": 0, "attention_head_dim": 4, "num_attention_heads": 1, "axes_dims_rope": (0, 2, 2)}
    network = transformer_flux.FluxTransformer2DModel(in_channels=4, joint_attention_dim=4, pooled_projection_dim=4, **shape)
    for alike in (False, True):  # first on a processor that rounds otherwise
        monkeypatch.setattr(rotary, "exact", lambda alike=alike: alike)
        quicken(network)
        assert transformer_flux.apply_rotary_emb is (rotated if alike else DIFFUSERS)
