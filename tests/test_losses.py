"""Training objectives: each equals its formula, lowers its own loss, and decides what is learnt."""

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from math import log
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from trig import params
from trig.backends import losses
from trig.backends.families.flow import noised
from trig.backends.losses import sft
from trig.backends.losses.batch import Batch, Loss, Predict, denoising
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.params.finetune import BETA, TAKES, Form, LossName
from trig.protocols.tuner import Lessons, Sample
from trig.testing import factories

Floats = NDArray[np.float64]
SAMPLES = [Sample("a red ball in a meadow", factories.png(1, 64, 64)), Sample("a pencil sketch of a blue tree", factories.png(2, 64, 64))]
PAIR = [Sample(SAMPLES[0].prompt, factories.png(seed, 64, 64)) for seed in (1, 2)]
NO_GAINS = [(0.0, 0.0)]
TAUGHT: dict[Form, Lessons] = {
    "samples": Lessons.single(SAMPLES),
    "labelled samples": Lessons(SAMPLES, [(0,), (1,)], [1.0, 0.0], [1.0, 1.0], [(0.0,)] * 2),
    "pairs": Lessons(PAIR, [(0, 1)], [1.0], [1.0], NO_GAINS),
    "lists": Lessons([*PAIR, Sample(PAIR[0].prompt, factories.png(3, 64, 64))], [(0, 1, 2)], [1.0], [1.0], [(0.9, 0.5, 0.1)]),
    "texts": Lessons([SAMPLES[0], Sample(SAMPLES[1].prompt, SAMPLES[0].picture)], [(0, 1)], [1.0], [1.0], NO_GAINS),
}
LOSSES: tuple[LossName, ...] = get_args(LossName)
COMPARING = [name for name in LOSSES if TAKES.get(name) in {"pairs", "lists", "texts"}]
REFERRING: tuple[LossName, ...] = ("dpo", "kto", "rankdpo", "tdpo")


@cache
def tuned(name: LossName, loss: Loss | None = None, steps: int = 12) -> Lora:
    """An adapter trained with a loss by name, or with another in its place."""
    everything = params.load()
    settings = everything.tuning("tiny-dtm")[1].model_copy(
        update={"loss": name, "steps": steps, "batch_size": 2, "rank": 4, "learning_rate": 0.01}
    )
    tuner = Lora(Diffusers("tiny", everything.pipeline("tiny")), settings, 1)
    tuner.loss = loss or tuner.loss
    assert len(list(tuner.steps(TAUGHT[TAKES[name]]))) == steps
    return tuner


def grey(batch: Batch, rng: np.random.Generator) -> Tensor:
    """A toy: from any noise the network is to predict the noise itself, which paints an even picture."""
    noisy, level, target = batch.noised(batch.clean, rng)
    return (batch.predict(noisy, level) - (target + batch.clean)).square().mean()


@torch.no_grad()
def measured(tuner: Lora, name: LossName, loss: Loss) -> float:
    """Mean loss over noise that is the same for every adapter."""
    taught = tuner.taught(TAUGHT[TAKES[name]])
    batch = tuner.batch(taught, torch.arange(len(taught.members)))
    return float(np.mean([float(loss(batch, np.random.default_rng(seed))) for seed in range(4)]))


@pytest.mark.parametrize("name", LOSSES)
def test_an_objective_lowers_its_own_loss(name: LossName) -> None:
    loss = losses.load(name)
    assert tuned(name).loss is loss
    assert measured(tuned(name), name, loss) < 0.95 * measured(tuned(name, steps=0), name, loss)


@pytest.mark.parametrize("name", LOSSES)
def test_the_objective_decides_what_is_learnt(name: LossName) -> None:
    by_name, by_toy = tuned(name), tuned(name, grey)
    assert measured(by_name, name, losses.load(name)) < measured(by_toy, name, losses.load(name))
    assert measured(by_toy, name, grey) < measured(by_name, name, grey)


@pytest.mark.parametrize("name", REFERRING)
def test_before_the_first_step_policy_and_reference_are_equal(name: LossName) -> None:
    """Bit for bit, so the loss is that of no preference."""
    swap = sum((2**a - 2**b) * abs(1 / log(1 + i) - 1 / log(1 + j)) for (i, a), (j, b) in combinations(enumerate((0.9, 0.5, 0.1), 1), 2))
    none = {"dpo": log(2), "tdpo": log(2), "kto": 0.5, "rankdpo": log(2) * swap}
    assert measured(tuned(name, steps=0), name, losses.load(name)) == pytest.approx(none[name], rel=1e-6)


def test_the_reference_stays_the_base_and_leaves_the_adapter_on() -> None:
    base, trained = tuned("dpo", steps=0), tuned("dpo")
    batches = [tuner.batch(tuner.taught(TAUGHT["pairs"]), torch.tensor([0])) for tuner in (base, trained)]
    noisy, level, _ = batches[0].noised(batches[0].clean, np.random.default_rng(3))
    wanted = batches[0].predict(noisy, level)
    before = batches[1].predict(noisy, level)
    found = batches[1].reference(noisy, level)
    assert torch.equal(found, wanted) and not found.requires_grad
    assert torch.equal(batches[1].predict(noisy, level), before) and not torch.equal(before, wanted)
    assert {name for name, weight in trained.network.named_parameters() if weight.requires_grad} == {
        name for name, _ in trained.network.named_parameters() if ".lora_A." in name or ".lora_B." in name
    }


def test_sft_asks_for_no_reference() -> None:
    def never(*_: Tensor) -> Tensor:
        raise AssertionError

    batch = toy(torch.randn(2, 5, 4), (1, 1), reference=never)
    assert np.isfinite(float(sft.loss(batch, np.random.default_rng(1))))


def toy(
    clean: Tensor, shape: tuple[int, int], shift: float = 4.0, weights: Sequence[float] = (1.0,), reference: Predict | None = None
) -> Batch:
    """Flow matching with a network that gives its input times the noise level."""

    def predict(noisy: Tensor, level: Tensor) -> Tensor:
        return noisy * level[:, None, None]

    told = torch.tensor(weights).expand(len(clean) // shape[1])
    referred = reference or predict
    return Batch(clean, lambda latents, rng: noised(latents, shift, rng), predict, referred, torch.zeros(shape), told, told, 1.0)


def test_sft_is_the_weighted_squared_error_of_the_velocity() -> None:
    clean, shift, weights = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1)), 4.0, np.array([1.0, 0.5, 0.0])
    found = float(sft.loss(toy(clean, (3, 1), shift, weights.tolist()), np.random.default_rng(7)))
    rng = np.random.default_rng(7)
    sigma = 1 / (1 + np.exp(-rng.standard_normal(3)))
    sigma = (shift * sigma / (1 + (shift - 1) * sigma))[:, None, None]
    noise, picture = rng.standard_normal(clean.shape), clean.double().numpy()
    said = ((1 - sigma) * picture + sigma * noise) * sigma
    assert found == pytest.approx(((said - (noise - picture)) ** 2 * weights[:, None, None]).mean(), abs=1e-6)


def test_members_of_a_lesson_and_predictors_share_noise_and_level() -> None:
    clean, shift = torch.randn(6, 5, 4, generator=torch.Generator().manual_seed(1)), 4.0
    batch = toy(clean, (2, 3), shift)
    one, other = denoising(batch, np.random.default_rng(7), batch.predict, lambda noisy, _: noisy)
    rng = np.random.default_rng(7)
    sigma = 1 / (1 + np.exp(-rng.standard_normal(2)))
    sigma = (shift * sigma / (1 + (shift - 1) * sigma))[:, None, None, None]
    noise, picture = rng.standard_normal((2, 1, 5, 4)), clean.double().numpy().reshape(2, 3, 5, 4)
    noisy = (1 - sigma) * picture + sigma * noise
    for found, said in ((one, noisy * sigma), (other, noisy)):
        np.testing.assert_allclose(found.numpy(), ((said - (noise - picture)) ** 2).mean((2, 3)), atol=1e-6)


def known(
    policy: Sequence[Sequence[int]], reference: Sequence[Sequence[int]], labels: Sequence[float], weights: Sequence[float], beta: float,
    gains: Sequence[Sequence[float]] | None = None,
) -> Batch:  # fmt: skip
    """A batch whose denoising errors are the squares of these 1/64ths, which float32 holds exactly."""
    shape = np.array(policy).shape

    def predict(roots: Sequence[Sequence[int]]) -> Tensor:
        return (torch.tensor(roots).double() / 64).flatten()[:, None].expand(-1, 4)

    def exact(latents: Tensor, _: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        return latents, torch.ones(len(latents)), torch.zeros(latents.shape, dtype=torch.float64)

    ranks, certain, counted = (torch.tensor(each, dtype=torch.float64) for each in (gains or np.zeros(shape).tolist(), labels, weights))
    clean = torch.zeros(shape[0] * shape[1], 4)
    return Batch(clean, exact, lambda *_: predict(policy), lambda *_: predict(reference), ranks, certain, counted, beta)


def error(roots: Sequence[Sequence[int]]) -> Floats:
    found: Floats = (np.array(roots) / 64) ** 2
    return found


def log_sigmoid(logit: Floats) -> Floats:
    return -np.log1p(np.exp(-logit))


POLICY, REFERENCE = [[3, 5], [6, 2], [4, 4]], [[4, 4], [5, 3], [3, 5]]
LABELS, WEIGHTS = [1.0, 0.75, 0.5], [1.0, 0.5, 2.0]


def value(name: LossName, batch: Batch) -> float:
    return float(losses.load(name)(batch, np.random.default_rng(1)))


@pytest.mark.parametrize("name", ["dpo", "tdpo"])
@pytest.mark.parametrize("beta", [1.0, 1000.0])
def test_dpo_is_its_formula(name: LossName, beta: float) -> None:
    d, r = error(POLICY), error(REFERENCE)
    logit = -beta / 2 * ((d[:, 0] - d[:, 1]) - (r[:, 0] - r[:, 1]))
    soft = -np.array(LABELS) * log_sigmoid(logit) - (1 - np.array(LABELS)) * log_sigmoid(-logit)
    assert value(name, known(POLICY, REFERENCE, LABELS, WEIGHTS, beta)) == pytest.approx((np.array(WEIGHTS) * soft).mean(), abs=1e-6)
    hard = known(POLICY, REFERENCE, [1.0] * 3, [1.0] * 3, beta)
    assert value(name, hard) == pytest.approx(-log_sigmoid(logit).mean(), abs=1e-6)


def test_mapo_is_its_formula_and_has_no_reference() -> None:
    d = error(POLICY)
    f = 0.5 * d / np.expm1(0.5 * d)
    logit = 1000 * (f[:, 0] - f[:, 1])
    soft = -np.array(LABELS) * log_sigmoid(logit) - (1 - np.array(LABELS)) * log_sigmoid(-logit)
    wanted = (np.array(WEIGHTS) * (d[:, 0] + 0.1 * soft)).mean()
    assert value("mapo", known(POLICY, REFERENCE, LABELS, WEIGHTS, 0.1)) == pytest.approx(wanted, abs=1e-6)
    assert value("mapo", known(POLICY, POLICY, LABELS, WEIGHTS, 0.1)) == pytest.approx(wanted, abs=1e-6)
    assert value("mapo", known([[0, 0]], [[0, 0]], [1.0], [1.0], 0.1)) == pytest.approx(0.1 * log(2), abs=1e-6)


@pytest.mark.parametrize("turn", [1, -1])
def test_kto_is_its_formula(turn: int) -> None:
    """The baseline is the mean gain, and 0 where that is below."""
    policy, reference = [[3], [6], [3]], [[5], [5], [4]]
    policy, reference = (policy, reference) if turn > 0 else (reference, policy)
    gain = (error(reference) - error(policy))[:, 0]
    assert (gain.mean() > 0) == (turn > 0)
    sign, beta = np.array([1, -1, 1]), 200.0
    wanted = np.array(WEIGHTS) * (1 - 1 / (1 + np.exp(-sign * beta * (gain - max(0, gain.mean())))))
    assert value("kto", known(policy, reference, [1.0, 0.0, 1.0], WEIGHTS, beta)) == pytest.approx(wanted.mean(), abs=1e-6)


def test_rankdpo_is_its_formula() -> None:
    policy, reference, gains = [[3, 5, 4], [6, 2, 4]], [[4, 4, 4], [5, 3, 6]], [[0.9, 0.4, 0.2], [0.7, 0.7, 0.1]]
    weights, beta, wanted = [1.0, 0.5], 300.0, []
    for d, r, psi, weight in zip(error(policy), error(reference), gains, weights, strict=True):
        s, total = d - r, 0.0
        order = sorted(range(3), key=lambda place: s[place])
        discount = [log(1 + 1 + order.index(place)) for place in range(3)]
        for i in range(3):
            for j in range(3):
                if psi[i] > psi[j]:
                    swap = abs((2 ** psi[i] - 1) - (2 ** psi[j] - 1)) * abs(1 / discount[i] - 1 / discount[j])
                    total -= swap * float(log_sigmoid(np.array(-beta * (s[i] - s[j]))))
        wanted.append(weight * total)
    assert value("rankdpo", known(policy, reference, [1.0] * 2, weights, beta, gains)) == pytest.approx(np.mean(wanted), abs=1e-6)


@pytest.mark.parametrize("name", COMPARING)
def test_a_policy_that_prefers_the_winner_has_the_lower_loss(name: LossName) -> None:
    even, gains = [[4, 4]], [[0.9, 0.1]]
    right, none, wrong = (value(name, known(each, even, [1.0], [1.0], BETA[name], gains)) for each in ([[3, 5]], even, [[5, 3]]))
    assert right < none < wrong


def test_a_policy_that_keeps_good_pictures_and_forgets_bad_ones_has_the_lower_loss() -> None:
    even = [[4], [4]]
    right, none, wrong = (value("kto", known(each, even, [1.0, 0.0], [1.0] * 2, BETA["kto"])) for each in ([[3], [5]], even, [[5], [3]]))
    assert right < none < wrong


@pytest.mark.parametrize("name", LOSSES)
def test_a_weight_of_nothing_counts_for_nothing(name: LossName) -> None:
    of = 1 if TAUGHT[TAKES[name]].members[0] == (0,) else 2
    batches = [
        known([[3, 5][:of], last[:of]], [[4, 4][:of]] * 2, [1.0, 1.0], [1.0, 0.0], 1.0, [[0.9, 0.1][:of]] * 2) for last in ([6, 2], [6, 7])
    ]
    kept = [value(name, batch) for batch in batches]
    assert kept[0] == pytest.approx(kept[1])


def test_every_objective_is_a_module_of_its_name() -> None:
    folder = Path(losses.__file__).parent
    found = {file.stem for file in folder.glob("*.py")} - {"__init__", "batch"}
    assert found == set(LOSSES), "a module of trig/backends/losses and a name of LossName (trig/params/finetune.py) belong together"
    assert set(LOSSES) <= TAKES.keys(), "say in TAKES of trig/params/finetune.py what lessons it takes"
    assert {*COMPARING} <= BETA.keys() <= set(LOSSES), "say in BETA of trig/params/finetune.py how much a preference weighs by default"
    assert {losses.load(name).__module__ for name in LOSSES} == {f"trig.backends.losses.{name}" for name in LOSSES}
