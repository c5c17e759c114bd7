"""LoRA training of every architecture that is trained, on tiny random instances: only the adapter learns, and it is loaded where it belongs."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from lines import names

from trig import params
from trig.backends import families, trainers
from trig.backends.families.diffusion import Diffusing
from trig.backends.families.family import Encoded, joined
from trig.backends.families.flow import Matching, shift
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.backends.trainers.refl import Refl
from trig.errors import ParamsError, WeightsError
from trig.params.finetune import Finetune
from trig.params.zoo import systems
from trig.protocols.generator import Order
from trig.protocols.tuner import Lessons, Sample
from trig.testing import factories
from trig.testing.architectures.probe import difference, painter

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # what diffusers says of its own past
SYSTEMS = ("flux-dev", "flux-kontext-dev", "sd35-large", "sana15-4800m", "qwen-image", "sdxl", "sd15")
"""One of each pipeline that is trained."""
FLOWING, DENOISING = SYSTEMS[:5], SYSTEMS[5:]
ORDERS = [Order("a red ball", 1), Order("a pencil sketch of a blue tree", 2)]
SAMPLES = [Sample(order.prompt, factories.png(order.seed, 64, 64)) for order in ORDERS]
LESSONS = {
    "sft": Lessons.single(SAMPLES),
    "dpo": Lessons([*SAMPLES, Sample(SAMPLES[0].prompt, factories.png(3, 64, 64))], [(0, 2)], [1.0], [1.0], [(0.0, 0.0)]),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained")


def settings(loss: str = "sft", **said: Any) -> Finetune:
    small = {"loss": loss, "steps": 1, "batch_size": 2, "rank": 2, "learning_rate": 0.1, **said}
    return params.load().tuning("tiny-dtm")[1].model_copy(update=small)


def frozen_parts(base: Diffusers) -> list[torch.nn.Module]:
    """Its networks, without gradients: torch multiplies by a weight that wants one in another order."""
    parts = [part for part in base.pipe.components.values() if isinstance(part, torch.nn.Module)]
    return [part.requires_grad_(False) for part in parts]


def test_every_system_that_is_trained_is_of_these_pipelines() -> None:
    kinds = {str(getattr(systems()[name], "pipeline", None)) for name in SYSTEMS}
    assert {str(getattr(system, "pipeline", None)) for system in systems().values() if system.trained} == kinds
    assert kinds <= families.FAMILIES.keys()


@pytest.mark.parametrize("name", SYSTEMS)
def test_an_adapter_begins_as_nothing_learns_alone_and_is_loaded_in_its_pipeline(name: str, folder: Path, tmp_path: Path) -> None:
    for loss, given in LESSONS.items():
        base = painter(name, folder)
        parts = frozen_parts(base)
        before = base.generate(ORDERS)
        tuner = Lora(base, settings(loss), 1)
        assert base.generate(ORDERS) == before
        learns = {name for name, weight in tuner.network.named_parameters() if weight.requires_grad}
        assert learns and all(".lora_A." in each or ".lora_B." in each for each in learns)
        assert sum(weight.requires_grad for part in parts for weight in part.parameters()) == len(learns) == len(tuner.trainable())
        frozen = {name: weight.clone() for name, weight in tuner.network.named_parameters() if not weight.requires_grad}
        assert all(np.isfinite(list(tuner.steps(given))))
        after = dict(tuner.network.named_parameters())
        assert all(torch.equal(weight, after[name]) for name, weight in frozen.items())
        assert any(after[each].any() for each in learns if ".lora_B." in each)
        assert all(any(f".{target}.lora_A." in each for each in learns) for target in tuner.family.targets)
        tuner.save(tmp_path / loss, {})
    plain = getattr(diffusers, type(base.pipe).__name__).from_pretrained(base.model.weights, dtype=torch.float32)
    plain.load_lora_weights(tmp_path / "sft")
    tuned = painter(name, folder, adapter=str(tmp_path / "sft"), needs=str(tmp_path / "sft"))
    pictures = tuned.generate(ORDERS)
    assert max(map(difference, pictures, before)) > 0
    tuned.pipe = plain
    plain.set_progress_bar_config(disable=True)
    assert tuned.generate(ORDERS) == pictures


@pytest.mark.parametrize("name", SYSTEMS)
def test_without_noise_what_is_trained_paints_as_its_pipeline(name: str, folder: Path) -> None:
    """Conditions, guidance, levels and decoding are the pipeline's, with the scheduler whose steps a policy gradient takes."""
    base = painter(name, folder, steps=3)
    if name in DENOISING or name == "sana15-4800m":
        plain = diffusers.DDIMScheduler if name in DENOISING else diffusers.FlowMatchEulerDiscreteScheduler
        base.pipe.scheduler = plain.from_config(base.pipe.scheduler.config, clip_sample=False, timestep_spacing="leading")
    gradient = settings().gradient.model_copy(update={"sampler_steps": 3, "reward": "saturation"})
    sampler = Refl(base, settings("refl", gradient=gradient), 1).sampler
    begun = sampler.begin([order.prompt for order in ORDERS], np.random.default_rng(1))
    assert (begun.against is None) == (name in {"flux-dev", "flux-kontext-dev"})
    with torch.no_grad():
        found = sampler.shown(sampler.roll(begun, 3, range(0), np.random.default_rng(1)).latents[-1])
        call = base._call(ORDERS, (64, 64)) | {"latents": begun.latents, "output_type": "pt"}
        painted = base.pipe(**call).images
    np.testing.assert_allclose(found.numpy(), painted.float().numpy(), atol=1e-4)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_picture_is_encoded_as_it_is_decoded(name: str, folder: Path) -> None:
    """Scale and shift of the autoencoder are undone: its own reconstruction comes out."""
    base = painter(name, folder)
    family, pictures = families.trainable(base.pipe, "x"), torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        cells = family.cells(base.pipe, pictures)
        given = family.told(base.pipe, base.shared(), ["a red ball"], cells)
        found = family.shown(base.pipe, given.latents, 64, 64)
        frames = pictures.unsqueeze(2) if name == "qwen-image" else pictures
        coded = base.pipe.vae.encode(frames)
        wanted = base.pipe.vae.decode(coded.latent_dist.mode() if hasattr(coded, "latent_dist") else coded.latent, return_dict=False)[0]
    wanted = wanted[:, :, 0] if name == "qwen-image" else wanted
    np.testing.assert_allclose(found.numpy(), (wanted / 2 + 0.5).clamp(0, 1).numpy(), atol=1e-4)


@pytest.mark.parametrize("name", ["flux-dev", "sd15"])
def test_checkpointing_changes_no_adapter_and_accumulation_gathers(name: str, folder: Path) -> None:
    """Gradients of two batches of one make the step of a batch of two, where both see the same noise."""
    weights = []
    for said in ({}, {"gradient_checkpointing": True}, {"accumulation": 2, "batch_size": 1}):
        tuner = Lora(painter(name, folder), settings(**said), 1)
        (loss,) = tuner.steps(LESSONS["sft"])
        assert np.isfinite(loss)
        weights.append(torch.cat([weight.detach().flatten() for weight in tuner.trainable()]))
    torch.testing.assert_close(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_an_average_follows_the_weights_is_what_is_saved_and_survives_a_kill(folder: Path, tmp_path: Path) -> None:
    files = []
    for run in ("whole", "resumed"):
        tuner, losses = Lora(painter("sd15", folder), settings(steps=4, ema=0.5), 1), list[float]()
        for loss in tuner.steps(LESSONS["sft"]):
            losses.append(loss)
            if run == "resumed" and len(losses) == 2:
                tuner.save_checkpoint(tmp_path / "kept.safetensors", losses)
                tuner = Lora(painter("sd15", folder), settings(steps=4, ema=0.5), 1)
                losses = tuner.load_checkpoint(tmp_path / "kept.safetensors")
                list(tuner.steps(LESSONS["sft"], len(losses)))
                break
        last = [weight.detach().clone() for weight in tuner.trainable()]
        tuner.save(tmp_path / run, {})
        assert not all(torch.equal(weight, old) for weight, old in zip(tuner.trainable(), last, strict=True))
        files.append((tmp_path / run / "pytorch_lora_weights.safetensors").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_what_a_unet_is_shown_and_has_to_say_is_its_schedulers(kind: str, folder: Path) -> None:
    base = painter("sd15", folder)
    base.pipe.scheduler = own = DDPMScheduler.from_config(base.pipe.scheduler.config, prediction_type=kind)
    family, clean = families.trainable(base.pipe, "x"), torch.randn(3, 4, 8, 8)
    noisy, level, target = family.noised(base.pipe, clean, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    steps = torch.from_numpy(rng.integers(0, 1000, 3))
    noise = torch.from_numpy(rng.standard_normal(clean.shape)).float()
    wanted = {"epsilon": noise, "v_prediction": own.get_velocity(clean, noise, steps), "sample": clean}[kind]
    torch.testing.assert_close(noisy, own.add_noise(clean, noise, steps))
    torch.testing.assert_close(target, wanted)
    assert (level - 1).tolist() == steps.tolist()


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_a_step_of_a_unet_is_that_of_ddim(kind: str, eta: float, folder: Path) -> None:
    base = painter("sd15", folder)
    base.pipe.scheduler = own = DDIMScheduler.from_config(base.pipe.scheduler.config, prediction_type=kind, clip_sample=False)
    family, rng = families.trainable(base.pipe, "x"), torch.Generator().manual_seed(1)
    latents, said, noise = (torch.randn(2, 4, 8, 8, generator=rng) for _ in range(3))
    own.set_timesteps(5)
    levels = family.levels(base.pipe, Encoded(latents, {}, {}), 5)
    assert [level - 1 for level in levels[:-1]] == own.timesteps.tolist() and levels[-1] == 0
    for place, step in enumerate(own.timesteps):
        move = family.move(base.pipe, latents, said, levels[place], levels[place + 1], eta)
        last = place == 4
        wanted = own.step(said, step, latents, eta=0.0 if last else eta, variance_noise=noise, return_dict=False)[0]
        torch.testing.assert_close(move.taken(noise), wanted, atol=1e-5, rtol=1e-5)
        if move.std:
            density = torch.distributions.Normal(move.mean, move.std).log_prob(wanted).flatten(1).mean(1)
            torch.testing.assert_close(move.log_prob(wanted), density, atol=1e-5, rtol=1e-5)


def test_noise_is_shifted_as_the_scheduler_shifts_it() -> None:
    dynamic = {"use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15}
    assert shift({"shift": 3.0}, 99) == 3.0 == shift({"flow_shift": 3.0}, 99)
    for tokens, mu in ((256, 0.5), (4096, 1.15)):
        own = diffusers.FlowMatchEulerDiscreteScheduler(**dynamic)
        own.set_timesteps(sigmas=[0.5], mu=mu)
        by = shift(own.config, tokens)
        assert float(own.sigmas[0]) == pytest.approx(by * 0.5 / (1 + (by - 1) * 0.5), abs=1e-6)


def test_shorter_prompts_are_padded_where_parts_are_joined() -> None:
    one, two = (
        Encoded(torch.full((1, 2, 2), float(n)), {"text": torch.full((1, n, 3), float(n)), "mask": torch.ones(1, n)}, {}) for n in (1, 3)
    )
    found = joined([one, two])
    assert found.latents.shape == (2, 2, 2) and found.conditions["text"].shape == (2, 3, 3)
    assert found.conditions["mask"].tolist() == [[1, 0, 0], [1, 1, 1]] and not found.conditions["text"][0, 1:].any()


@pytest.mark.parametrize(("name", "loss", "instead"), [("sd15", "flow-grpo", "ddpo"), ("flux-dev", "ddpo", "flow-grpo")])
def test_a_policy_gradient_of_other_steps_is_refused_before_anything_is_painted(name: str, loss: str, instead: str, folder: Path) -> None:
    everything = params.load()
    changed = everything.model_copy(update={"finetune": settings(loss, policy="group")})
    with pytest.raises(ParamsError, match=names("params.yaml", "finetune.loss", loss, name, instead)) as said:
        trainers.load(changed, "tiny-dtm", painter(name, folder))
    assert len(str(said.value).splitlines()) == 1


def test_an_architecture_without_a_trainer_is_refused_before_anything_is_painted(folder: Path) -> None:
    with pytest.raises(
        WeightsError, match=names("params.yaml", "models.pixart-sigma.weights", "PixArtSigmaPipeline", "StableDiffusion3Pipeline")
    ):
        trainers.load(params.load(), "tiny-dtm", painter("pixart-sigma", folder))
    odd = painter("sd15", folder)
    odd.pipe.scheduler = DDIMScheduler.from_config(odd.pipe.scheduler.config, prediction_type="flow_prediction")
    with pytest.raises(WeightsError, match=names("params.yaml", "models.sd15.weights", "flow_prediction")):
        trainers.load(params.load(), "tiny-dtm", odd)


def test_half_precision_is_trained_in_bfloat16(folder: Path) -> None:
    tuner = Lora(painter("sd15", folder, dtype="float16"), settings(), 1)
    assert tuner.network.dtype == torch.bfloat16 and {weight.dtype for weight in tuner.trainable()} == {torch.float32}
    assert all(np.isfinite(list(tuner.steps(LESSONS["sft"]))))


def test_families_are_of_two_kinds() -> None:
    assert {isinstance(family, Matching) + 2 * isinstance(family, Diffusing) for family in families.FAMILIES.values()} == {1, 2}
