"""DDPO on a tiny random Stable Diffusion: what is rewarded becomes likelier, and nothing but the adapter learns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trig import params
from trig.backends import trainers
from trig.backends.trainers.ddpo import Ddpo
from trig.params.finetune import Finetune
from trig.protocols.tuner import Group, Lessons, Sample
from trig.testing.architectures.probe import painter

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # what diffusers says of its own past
GROUP, STEPS, SIDE = 4, 3, 16
PROMPT = "a red ball"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ddpo")


class Long:
    """Rewards large files."""

    revision = "long"

    def rewards(self, groups: Sequence[Group]) -> list[list[float | None]]:
        return [[None if file is None else float(len(file)) for file in files] for _, files in groups]


def settings(**said: Any) -> Finetune:
    whole = params.load().tuning("tiny-dtm")[1].model_dump()
    own = {"prompts": 1, "group": GROUP, "sampler_steps": STEPS, "noise": 1.0, "window": 1, "clip": 0.2, "kl": 0.0, "updates": 1}
    small = {"policy": "group", "loss": "ddpo", "steps": 1, "batch_size": GROUP, "rank": 4, "learning_rate": 0.001}
    return Finetune.model_validate({**whole, **small, "gradient": {**whole["gradient"], **own, **said}})


def tuner(folder: Path, **said: Any) -> Ddpo:
    return Ddpo(painter("sd15", folder, width=SIDE, height=SIDE, guidance_scale=1.0), settings(**said), 1, Long())


def test_an_update_makes_what_was_rewarded_likelier_and_what_was_not_less_so(folder: Path) -> None:
    own, gained = tuner(folder, window=None), torch.tensor([1.0, -1.0])
    (rollout,) = own.painted([PROMPT] * 2, np.random.default_rng(1))
    assert list(rollout.log_probs) == [0, 1]
    for number in rollout.log_probs:
        assert torch.equal(own.objective(rollout, number, gained), -gained)
    own.update([rollout], gained)
    with torch.no_grad():
        lost = sum(float(own.objective(rollout, number, gained).sum()) for number in rollout.log_probs)
    assert lost < 0


def test_only_the_adapter_learns_from_rewards_and_equal_runs_end_alike(folder: Path, tmp_path: Path) -> None:
    files = []
    for run in ("one", "other"):
        own = tuner(folder, group=2, sampler_steps=2)
        frozen = {name: weight.clone() for name, weight in own.network.named_parameters() if not weight.requires_grad}
        assert np.isfinite(list(own.steps(Lessons.single([Sample(PROMPT, b"")])))).all()
        after = dict(own.network.named_parameters())
        assert all(torch.equal(weight, after[name]) for name, weight in frozen.items())
        own.save(tmp_path / run, {})
        files.append((tmp_path / run / "pytorch_lora_weights.safetensors").read_bytes())
    assert files[0] == files[1]


def test_it_is_the_trainer_of_its_name(folder: Path) -> None:
    changed = params.load().model_copy(update={"finetune": settings()})
    assert type(trainers.load(changed, "tiny-dtm", painter("sd15", folder))(Long())) is Ddpo
