"""The loop that all of the tiny world's trainers share: a killed training goes on and ends with the weights of one that was not."""

from pathlib import Path

import torch
from torch import Tensor, nn

from trig.tiny.train.loop import Course, Plan, rate, train
from trig.tiny.train.reader import fit

PLAN = Plan(steps=12, learning_rate=0.05, warmup=3, save_every=4)


def _model() -> nn.Linear:
    torch.manual_seed(3)
    return nn.Linear(4, 1)


def _run(model: nn.Linear, checkpoint: Path, stop: int = 0) -> Tensor:
    def losses(step: int) -> dict[str, Tensor]:
        shown = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        return {"squared": (model(shown)[:, 0] - shown.sum(1)).square().mean()}

    for step in train(model, PLAN, losses, checkpoint):
        if step.number == stop:
            break
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def test_a_killed_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = _run(_model(), tmp_path / "whole.safetensors")
    _run(_model(), tmp_path / "killed.safetensors", stop=6)
    torch.manual_seed(99)  # what the process drew before must not matter
    assert torch.equal(_run(_model(), tmp_path / "killed.safetensors"), whole)


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    plan = Plan(steps=1000, learning_rate=0.5, warmup=100, decay=0.25)
    assert [rate(plan, step) for step in (0, 99, 500, 750, 875, 1000)] == [0.005, 0.5, 0.5, 0.5, 0.25, 0.0]


def test_the_reader_learns_and_is_saved(tmp_path: Path) -> None:
    steps = list(fit(tmp_path / "reader", tmp_path, Course(steps=30, batch=16, learning_rate=2e-3, seed=1)))
    first, last = (sum(step.losses.values()) for step in (steps[0], steps[-1]))
    assert last < 0.8 * first
    assert (tmp_path / "reader" / "model.safetensors").stat().st_size > 1_000_000
