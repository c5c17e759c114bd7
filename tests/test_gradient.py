"""Policy gradients: steps of painting have the probabilities they say, equal rewards teach nothing, and a reward rises."""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import exp, log, pi
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from judgements import Row, cloud
from lines import names
from torch import Tensor

from trig import params
from trig.backends import trainers
from trig.backends.families.flow import move
from trig.backends.families.moves import Move
from trig.backends.gradients import rewards as differentiable
from trig.backends.gradients.clipped import MOST, advantages, clipped
from trig.backends.gradients.rewards import Reward, saturation
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.backends.trainers.flow_grpo import Grpo
from trig.backends.trainers.refl import Refl
from trig.errors import JudgeError
from trig.figures.measures import figures
from trig.finetune import policies, training
from trig.finetune.lessons import Lesson
from trig.finetune.points import Points
from trig.finetune.rewards import JudgeCritic, rewards
from trig.finetune.training import teach
from trig.judge.album import Album
from trig.params.finetune import Finetune
from trig.pictures import pixels
from trig.protocols.generator import Order, Picture
from trig.protocols.tuner import Group, Lessons, Sample
from trig.tables.kinds import TASK
from trig.testing import factories
from trig.vocabulary.dimensions import Pair
from trig.vocabulary.figures import Figure

PAIR = Pair.parse("IQ-R_TA-C")
PROMPTS = ["a red ball in a meadow", "a pencil sketch of a blue tree"]
SIDE = 32
"""Of a picture: half of what the tiny painter was trained on, and four times as fast."""
GIVEN = Lessons.single([Sample(prompt, b"") for prompt in PROMPTS])


def settings(loss: str = "flow-grpo", **said: Any) -> Finetune:
    """Two prompts, two pictures of each, in three steps of which all but the last have noise."""
    own = {"prompts": 2, "group": 2, "sampler_steps": 3, "window": None, "reward": "mean" if loss == "flow-grpo" else "saturation"}
    whole = params.load().tuning("tiny-dtm")[1].model_dump()
    gradient = {**whole["gradient"], **own, **{name: said.pop(name) for name in [*said] if name in whole["gradient"]}}
    small = {"steps": 2, "batch_size": 2, "rank": 4, "learning_rate": 0.01}
    return Finetune.model_validate({**whole, "policy": "group", "loss": loss, **small, "gradient": gradient, **said})


class Dark:
    """Rewards dark pictures, and counts how often it was asked."""

    revision = "dark"

    def __init__(self) -> None:
        self.asked = 0

    def rewards(self, groups: Sequence[Group]) -> list[list[float | None]]:
        self.asked += 1
        return [[None if file is None else 1 - float(np.asarray(pixels(file)).mean()) / 255 for file in files] for _, files in groups]


class Even(Dark):
    """Rewards all alike."""

    def rewards(self, groups: Sequence[Group]) -> list[list[float | None]]:
        return [[0.5 for _ in files] for _, files in groups]


def painter() -> Diffusers:
    return Diffusers("tiny", params.load().pipeline("tiny").model_copy(update={"dtype": "float32", "width": SIDE, "height": SIDE}))


def grpo(critic: Dark | None = None, **said: Any) -> Grpo:
    return Grpo(painter(), settings(**said), 1, critic or Dark())


def tuner_of(loss: str) -> Grpo | Refl:
    return grpo() if loss == "flow-grpo" else Refl(painter(), settings(loss), 1)


@pytest.mark.parametrize(("now", "then"), [(1.0, 0.9), (0.8, 0.5), (0.3, 0.1)])
def test_the_probability_of_a_step_is_the_gaussian_of_its_formula(now: float, then: float) -> None:
    rng = np.random.default_rng(1)
    x, v, noise = rng.standard_normal((3, 2, 5, 4))
    found = move(torch.from_numpy(x), torch.from_numpy(v), now, then, 0.7)
    after, dt = found.taken(torch.from_numpy(noise)), then - now
    spread = 0.7 * np.sqrt(now / (1 - (then if now == 1 else now)))
    mean = x * (1 + spread**2 / (2 * now) * dt) + v * (1 + spread**2 * (1 - now) / (2 * now)) * dt
    std = spread * np.sqrt(-dt)
    np.testing.assert_allclose(after.numpy(), mean + std * noise, atol=1e-6)
    density = -((after.numpy() - mean) ** 2) / (2 * std**2) - log(std) - log(2 * pi) / 2
    np.testing.assert_allclose(found.log_prob(after).numpy(), density.mean((1, 2)), atol=1e-6)
    other = Move(found.mean + 0.5, found.std)
    np.testing.assert_allclose(found.divergence(other).numpy(), [0.25 / (2 * std**2)] * 2, atol=1e-6)


def test_noise_changes_no_marginal() -> None:
    """Of normally distributed data the velocity is known: from noise, the flow and its stochastic equation end in the same distribution."""
    mean, variance, levels = 1.5, 0.3, np.linspace(1, 0, 201)
    ends = []
    for noise in (0.0, 0.7):
        latents = torch.from_numpy(np.random.default_rng(2).standard_normal((20_000, 1)))
        for now, then in pairwise(levels):
            slope = (now - (1 - now) * variance) / ((1 - now) ** 2 * variance + now**2)
            step = move(latents, -mean + slope * (latents - (1 - now) * mean), float(now), float(then), noise)
            latents = step.taken(torch.from_numpy(np.random.default_rng(int(1000 * now)).standard_normal(latents.shape)))
        ends.append((float(latents.mean()), float(latents.var())))
    for end in ends:
        assert end == pytest.approx((mean, variance), abs=0.03)


def test_without_noise_the_sampler_is_the_painters() -> None:
    tuner = grpo(sampler_steps=4)
    begun = tuner.sampler.begin(PROMPTS, np.random.default_rng(1))
    rolled = tuner.sampler.roll(begun, 4, range(0), np.random.default_rng(1))
    call = {"num_inference_steps": 4, "true_cfg_scale": 3.0, "width": SIDE, "height": SIDE, "max_area": SIDE**2, "max_sequence_length": 24}
    painted = tuner.pipe(
        prompt=PROMPTS, negative_prompt=["", ""], latents=begun.latents, output_type="latent", _auto_resize=False, **call
    ).images
    assert not rolled.log_probs and torch.equal(rolled.latents[-1], painted)
    noisy = tuner.sampler.roll(begun, 4, range(1, 3), np.random.default_rng(1))
    assert list(noisy.log_probs) == [1, 2] and torch.equal(noisy.latents[1], rolled.latents[1])
    assert not torch.equal(noisy.latents[2], rolled.latents[2])


def test_before_the_first_update_the_ratio_is_one_and_the_divergence_nothing() -> None:
    tuner = grpo()
    (rollout, _) = tuner.painted([prompt for prompt in PROMPTS for _ in range(2)], np.random.default_rng(1))
    gained = torch.tensor([1.5, -0.5])
    assert list(rollout.log_probs) == [0, 1]
    for number in rollout.log_probs:
        assert torch.equal(tuner.objective(rollout, number, gained), -gained)


def test_the_objective_is_clipped() -> None:
    now, before, gained = (torch.tensor(each) for each in ([0.3, 0.3, -0.3, -0.3], [0.0] * 4, [1.0, -1.0, 1.0, -1.0]))
    found = clipped(now, before, gained, 0.1).tolist()
    assert found == pytest.approx([-1.1, exp(0.3), -exp(-0.3), 0.9])


def test_advantages_compare_a_reward_with_its_group() -> None:
    assert advantages([0.1 + 0.2, 0.3, 0.3]) == [0.0] * 3
    assert advantages([0.5, None]) == [0.0, 0.0] == advantages([None, None])
    assert advantages([1.0, None, 0.0, 0.5]) == pytest.approx([1.5**0.5, 0.0, -(1.5**0.5), 0.0])
    assert max(advantages([1.0, *[0.0] * 99])) == MOST


def test_rewards_are_of_both_dimensions() -> None:
    scores = np.array([[0.9, 0.1], [0.5, 0.3], [0.5, 0.2], [np.nan, 0.9]])
    assert rewards(scores, "mean") == [pytest.approx(0.5), pytest.approx(0.4), pytest.approx(0.35), None]
    assert rewards(scores, "minimum") == [0.1, 0.3, 0.2, None]
    assert rewards(scores, "win_rate") == [0.5, pytest.approx((0.25 + 1) / 2), pytest.approx((0.25 + 0.5) / 2), None]
    assert advantages(rewards(np.full((4, 2), 0.7), "win_rate")) == [0.0] * 4
    assert rewards(np.array([[0.9, 0.9]]), "win_rate") == [0.0]


def test_a_bandit_finds_the_arm_that_is_rewarded() -> None:
    """The network gives the mean of a normal distribution; the reward is how far a draw goes in a known direction."""
    torch.manual_seed(0)
    network, direction = torch.nn.Linear(3, 2), torch.tensor([0.6, -0.8])
    optimiser, given = torch.optim.AdamW(network.parameters(), lr=0.02), torch.ones(64, 3)
    before = float((network(given[:1]) @ direction).detach())
    for _ in range(40):
        with torch.no_grad():
            first = Move(network(given), 0.5)
            taken = first.taken(torch.randn(64, 2))
            old, gained = first.log_prob(taken), torch.tensor(advantages((taken @ direction).tolist()))
        for _ in range(2):
            optimiser.zero_grad()
            clipped(Move(network(given), 0.5).log_prob(taken), old, gained, 0.2).mean().backward()
            optimiser.step()
    assert float((network(given[:1]) @ direction).detach()) > before + 1


@cache
def practised(loss: str) -> tuple[Grpo | Refl, dict[str, Tensor]]:
    """An adapter after its steps, and the frozen weights before."""
    tuner = tuner_of(loss)
    frozen = {name: weight.clone() for name, weight in tuner.network.named_parameters() if not weight.requires_grad}
    assert len(list(tuner.steps(GIVEN))) == tuner.settings.steps
    return tuner, frozen


@pytest.mark.parametrize("loss", ["flow-grpo", "refl"])
def test_only_the_adapter_learns(loss: str) -> None:
    tuner, frozen = practised(loss)
    after = dict(tuner.network.named_parameters())
    assert all(".lora_A." in name or ".lora_B." in name for name, weight in after.items() if weight.requires_grad)
    assert all(torch.equal(weight, after[name]) for name, weight in frozen.items())
    assert any(weight.any() for name, weight in after.items() if ".lora_B." in name)
    assert all(weight.grad is None for part in ("vae", "text_encoder") for weight in getattr(tuner.pipe, part).parameters())


def test_equal_rewards_leave_the_adapter_as_it_is() -> None:
    tuner = grpo(Even())
    before = [weight.detach().clone() for weight in tuner.trainable()]
    assert list(tuner.steps(GIVEN)) == [-0.5, -0.5]
    assert all(torch.equal(weight, old) for weight, old in zip(tuner.trainable(), before, strict=True))


def test_a_step_makes_what_was_rewarded_likelier() -> None:
    tuner = grpo(kl=0.0, updates=1, learning_rate=0.001)
    (rollout,) = tuner.painted(PROMPTS, np.random.default_rng(1))
    gained = torch.tensor([1.0, -1.0])
    tuner.update([rollout], gained)
    with torch.no_grad():
        lost = sum(float(tuner.objective(rollout, number, gained).sum()) for number in rollout.log_probs)
    assert lost < 0


@pytest.mark.parametrize("loss", ["flow-grpo", "refl"])
def test_a_training_that_was_stopped_goes_on_to_the_same_bytes(loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 1000.0)
    rows = pl.DataFrame([{"lesson": 0, "data_id": "a", "prompt": PROMPTS[0], "good": True}])

    def train(name: str, stop: int) -> None:
        def show(_: str, steps: Iterator[tuple[int, int]]) -> None:
            for done, _total in steps:
                if done == stop:
                    os.kill(os.getpid(), signal.SIGINT)

        tuner = tuner_of(loss)
        lesson = Lesson("tiny", [Points(PAIR, pl.DataFrame(), [], [], 0, 0, frozenset())], rows, GIVEN, tuner.settings)
        teach(tuner, lesson, tmp_path / name, tmp_path / f"{name}.curve", tmp_path / "checkpoints", show)

    train("whole", 99)
    with pytest.raises(KeyboardInterrupt):
        train("resumed", 0)
    train("resumed", 99)
    files = [(tmp_path / name / "pytorch_lora_weights.safetensors").read_bytes() for name in ("whole", "resumed")]
    assert files[0] == files[1]


def darkness(pictures: Tensor, _: Sequence[str]) -> Tensor:
    """A reward that is easily hacked."""
    return 1 - pictures.mean((1, 2, 3))


@pytest.mark.parametrize("reward", [saturation, darkness])
def test_refl_raises_a_reward_with_a_gradient(reward: Reward) -> None:
    base = painter()
    tuner = Refl(base, settings("refl", steps=6, batch_size=2), 1, reward)
    orders = [Order(prompt, seed) for seed in (3, 4) for prompt in PROMPTS]

    def rewarded() -> float:
        shown = [np.asarray(pixels(each.file)) for each in base.generate(orders) if isinstance(each, Picture)]
        assert len(shown) == len(orders)
        return float(reward(torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2) / 255, []).mean())

    before = rewarded()
    assert len(list(tuner.steps(GIVEN))) == 6
    assert rewarded() > before + 0.05


def test_saturation_is_the_figure_of_its_name() -> None:
    file = factories.png(1, 16, 16)
    picture = torch.from_numpy(np.asarray(pixels(file)).copy()).permute(2, 0, 1)[None] / 255
    assert float(saturation(picture, [])) == pytest.approx(figures(pixels(file))[Figure.SATURATION], abs=1e-6)
    assert differentiable.load("saturation") is saturation


def critic_of(scores: Sequence[float | None]) -> tuple[JudgeCritic, list[pl.DataFrame]]:
    """A critic of two prompts, and what it asked."""
    found, seen = cloud([("a", 0, 0.9, 0.9), ("b", 0, 0.1, 0.1)]), list[pl.DataFrame]()
    lesson = Lesson("tiny", [replace(found, pair=PAIR)], pl.DataFrame(), GIVEN, settings())

    def scored(asked: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
        seen.extend([asked, Album((images,)).names])
        rows = [
            {"task": "t2i", "data_id": name, "number": number, "dimension": side.value, "expected": scores[number]}
            for name, number in asked.select("data_id", "number").iter_rows()
            for side in (PAIR.x, PAIR.y)
        ]
        return pl.DataFrame(rows).with_columns(
            pl.col("task").cast(TASK),
            pl.col("number").cast(pl.Int32),
            scorer=pl.lit("tiny"),
            confidence=pl.lit(0.5),
            p=pl.lit(None, pl.List(pl.Float64)),
        )

    return JudgeCritic(lesson, "judge", scored), seen


def test_a_critic_asks_about_all_that_was_painted_and_leaves_out_what_has_no_score() -> None:
    critic, seen = critic_of([0.25, None, 0.75, 0.5])
    prompts = critic.lesson.parts[0].rows["prompt"].to_list()
    files = [factories.png(seed, 24, 16) for seed in range(3)]
    found = critic.rewards([(prompts[0], files[:2]), (prompts[1], [files[2], None])])
    assert found == [[0.25, None], [0.75, 0.5]]
    asked, images = seen
    assert asked["prompt"].to_list() == [prompts[0]] * 2 + [prompts[1]] * 2
    assert images["status"].to_list() == ["ok", "ok", "ok", "null"] and images["reason"].null_count() == 3
    assert images.select("width", "height").head(3).rows() == [(24, 16)] * 3
    assert (critic.asked, critic.nulls) == (4, 1) and "4 pictures were painted" in critic.summary
    silent, _ = critic_of([None] * 2)
    with pytest.raises(JudgeError, match=names("params.yaml: judge.name", 2)):
        silent.rewards([(prompts[0], files[:2])])


def test_prompts_to_paint_anew_are_those_whose_pictures_differ() -> None:
    rows: Sequence[Row] = [("a", 0, 0.9, 0.9), ("a", 1, 0.1, 0.1), ("b", 0, 0.5, 0.5), ("b", 1, 0.5, 0.5), ("c", 0, 0.9, 0.9)]
    found = cloud(rows)
    assert [choice.points for choice in policies.load("group")(found, settings())] == [(0, 1)]


@pytest.mark.parametrize(("loss", "kind"), [("flow-grpo", Grpo), ("refl", Refl), ("sft", Lora)])
def test_an_objective_has_its_trainer(loss: str, kind: type) -> None:
    everything = params.load()
    policy = "threshold" if loss == "sft" else "group"
    changed = everything.model_copy(update={"finetune": settings(loss, policy=policy, reward="saturation" if loss == "refl" else "mean")})
    assert type(trainers.load(changed, "tiny-dtm", painter())(Dark())) is kind
