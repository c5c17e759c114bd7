"""Training objectives: each lowers its own loss, and the objective decides what is learnt."""

from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from trig import params
from trig.backends import losses
from trig.backends.families.flow import noised
from trig.backends.losses import sft
from trig.backends.losses.batch import Batch, Loss
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.params.finetune import LossName
from trig.testing import factories

SAMPLES = [("a red ball in a meadow", factories.png(1, 64, 64)), ("a pencil sketch of a blue tree", factories.png(2, 64, 64))]
LOSSES: tuple[LossName, ...] = get_args(LossName)


@cache
def tuned(name: LossName, loss: Loss | None = None, steps: int = 12) -> Lora:
    """An adapter trained with a loss by name, or with another in its place."""
    everything = params.load()
    settings = everything.tuning("tiny-dtm")[1].model_copy(
        update={"loss": name, "steps": steps, "batch_size": 2, "rank": 4, "learning_rate": 0.01}
    )
    tuner = Lora(Diffusers("tiny", everything.pipeline("tiny")), settings, 1)
    tuner.loss = loss or tuner.loss
    assert len(list(tuner.steps(SAMPLES))) == steps
    return tuner


def grey(batch: Batch, rng: np.random.Generator) -> Tensor:
    """A toy: from any noise the network is to predict the noise itself, which paints an even picture."""
    noisy, level, target = batch.noised(batch.clean, rng)
    return (batch.predict(noisy, level) - (target + batch.clean)).square().mean()


@torch.no_grad()
def measured(tuner: Lora, loss: Loss) -> float:
    """Mean loss over noise that is the same for every adapter."""
    batch = tuner.batch(tuner.family.encode(tuner.pipe, SAMPLES))
    return float(np.mean([float(loss(batch, np.random.default_rng(seed))) for seed in range(4)]))


@pytest.mark.parametrize("name", LOSSES)
def test_an_objective_lowers_its_own_loss(name: LossName) -> None:
    loss = losses.load(name)
    assert tuned(name).loss is loss
    assert measured(tuned(name), loss) < 0.95 * measured(tuned(name, steps=0), loss)


@pytest.mark.parametrize("name", LOSSES)
def test_the_objective_decides_what_is_learnt(name: LossName) -> None:
    by_name, by_toy = tuned(name), tuned(name, grey)
    assert measured(by_name, losses.load(name)) < measured(by_toy, losses.load(name))
    assert measured(by_toy, grey) < measured(by_name, grey)


def test_sft_is_the_squared_error_of_the_velocity() -> None:
    clean, shift = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1)), 4.0
    batch = Batch(clean, lambda latents, rng: noised(latents, shift, rng), lambda noisy, level: noisy * level[:, None, None])
    rng = np.random.default_rng(7)
    sigma = 1 / (1 + np.exp(-rng.standard_normal(3)))
    sigma = (shift * sigma / (1 + (shift - 1) * sigma))[:, None, None]
    noise, picture = rng.standard_normal(clean.shape), clean.double().numpy()
    said = ((1 - sigma) * picture + sigma * noise) * sigma
    assert float(sft.loss(batch, np.random.default_rng(7))) == pytest.approx(((said - (noise - picture)) ** 2).mean(), abs=1e-6)


def test_every_objective_is_a_module_of_its_name() -> None:
    folder = Path(losses.__file__).parent
    assert {file.stem for file in folder.glob("*.py")} - {"__init__", "batch"} == set(LOSSES)
    assert {losses.load(name).__module__ for name in LOSSES} == {f"trig.backends.losses.{name}" for name in LOSSES}
