"""Families of diffusion architectures: painter and trainer read one place, and an unknown architecture is painted and not trained."""

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers import DiffusionPipeline, FluxKontextPipeline, FluxPipeline
from lines import names

from trig import params
from trig.backends import families, trainers
from trig.backends.families.calls import Calls
from trig.backends.families.family import Family
from trig.backends.families.flux import image_ids, pack
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.adapter import family as family_of
from trig.backends.trainers.diffusers import Lora
from trig.errors import ParamsError, WeightsError
from trig.params.models.diffusers import DiffusersModel
from trig.protocols.generator import Order
from trig.protocols.tuner import Lessons, Sample
from trig.testing import factories
from trig.vocabulary.dimensions import Task

FOLDER = Path(families.__file__).parent
SAMPLES = [Sample("a red ball in a meadow", factories.png(1, 64, 64)), Sample("a pencil sketch of a blue tree", factories.png(2, 64, 64))]


def entry(**changes: object) -> DiffusersModel:
    return params.load().pipeline("tiny").model_copy(update={"steps": 2, **changes})


def test_every_family_is_found_by_the_names_of_its_pipelines() -> None:
    for file in FOLDER.glob("*.py"):
        importlib.import_module(f"trig.backends.families.{file.stem}")
    kinds = {kind for kind in subclasses(Calls) if kind.pipelines}
    assert {type(family) for family in families.FAMILIES.values()} == {kind for kind in kinds if issubclass(kind, Family)}
    assert {type(family) for family in families.KNOWN.values()} == kinds
    for name, family in families.KNOWN.items():
        assert issubclass(getattr(diffusers, name), DiffusionPipeline)
        assert name in family.pipelines


def subclasses(kind: type[Calls]) -> Iterator[type[Calls]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


class OtherPipeline:
    """A pipeline of an architecture that no family knows."""


def test_an_unknown_architecture_is_called_by_its_signature_and_not_trained() -> None:
    called = families.calls(OtherPipeline())
    assert type(called) is Calls
    assert called.arguments(entry(), ["guidance_scale", "negative_prompt"], distilled=False) == {
        "num_inference_steps": 2, "guidance_scale": 3.0, "width": 64, "height": 64, "_auto_resize": False, "output_type": "np",
        "use_resolution_binning": False,
    }  # fmt: skip
    base = Diffusers("tiny", entry())
    base.pipe = OtherPipeline()
    with pytest.raises(
        WeightsError, match=names("params.yaml", "models.tiny.weights", "data/tiny/painter", "OtherPipeline", "FluxPipeline")
    ):
        trainers.load(params.load(), "tiny-dtm", base)


def test_a_guidance_distilled_model_is_trained_where_guidance_is_an_input_and_nowhere_else() -> None:
    base = Diffusers("tiny", entry())
    base.pipe.transformer.register_to_config(guidance_embeds=True)
    family = families.trainable(base.pipe, "x")
    given = family.told(base.pipe, base.shared(), ["a red ball"], torch.zeros(1, family.channels(base.pipe), 8, 8))
    assert given.conditions["guidance"].tolist() == [3.0]
    assert "guidance is distilled" in str(families.FAMILIES["QwenImagePipeline"].unfit(base.pipe))


@pytest.mark.parametrize(("distilled", "guided"), [(False, ["negative_prompt", "true_cfg_scale"]), (True, ["guidance_scale"])])
def test_flux_is_guided_by_what_it_was_trained_for_and_keeps_its_size(distilled: bool, guided: Sequence[str]) -> None:
    pipe = Diffusers("tiny", entry()).pipe
    found = families.calls(pipe).arguments(entry(width=32), ["true_cfg_scale", "guidance_scale", "negative_prompt"], distilled)
    assert sorted(found.keys() & {"guidance_scale", "negative_prompt", "true_cfg_scale"}) == guided
    assert found["max_area"] == 32 * 64
    assert not families.calls(pipe).distilled(pipe)


def test_a_token_is_four_cells_and_knows_its_place() -> None:
    latents = torch.arange(2 * 3 * 4 * 6).reshape(2, 3, 4, 6)
    tokens, places = pack(latents), image_ids(2, 3, latents)
    assert tokens.shape == (2, 6, 12) and places.shape == (6, 3)
    for token, (_, row, column) in zip(tokens.unbind(1), places.tolist(), strict=True):
        assert torch.equal(token, latents[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].flatten(1))
    assert torch.equal(image_ids(2, 3, latents, source=True) - places, torch.tensor([[1, 0, 0]] * 6))


def test_a_batch_takes_rows_of_what_samples_have_of_their_own() -> None:
    base = Diffusers("tiny", entry())
    given = families.trainable(base.pipe, "x").encode(base.pipe, base.shared(), SAMPLES)
    one = given.rows(torch.tensor([1, 1, 0]))
    assert len(one.latents) == 3 and torch.equal(one.latents[0], given.latents[1]) and torch.equal(one.latents[2], given.latents[0])
    assert {name: len(tensor) for name, tensor in one.conditions.items()} == dict.fromkeys(given.conditions, 3)
    assert all(torch.equal(one.shared[name], tensor) for name, tensor in given.shared.items())


@pytest.mark.parametrize("side", [64, 48])
def test_a_source_stands_where_the_painter_has_it(side: int) -> None:
    """The network is told the same of a source while it learns as while it paints, also where it is smaller than the picture."""
    base, source, told = Diffusers("tiny", entry(steps=1, guidance_scale=1.0)), factories.png(3, side, side), list[dict[str, Any]]()
    hook = base.pipe.transformer.register_forward_pre_hook(lambda _, __, given: told.append(given), with_kwargs=True)
    base.generate([Order(SAMPLES[0].prompt, 1, source)])
    family = families.trainable(base.pipe, "x")
    given = family.encode(base.pipe, base.shared(), [SAMPLES[0]._replace(source=source)])
    with torch.inference_mode():
        said = family.predict(base.pipe, given, given.latents, torch.ones(1))
    hook.remove()
    painted, learnt = told
    tokens = given.latents.shape[1]
    assert said.shape == given.latents.shape
    assert torch.equal(painted["hidden_states"][:, tokens:].float(), learnt["hidden_states"][:, tokens:].float())
    assert torch.equal(learnt["hidden_states"][:, :tokens], given.latents.to(base.pipe.transformer.dtype))
    assert all(torch.equal(painted[name].float(), learnt[name].float()) for name in ("img_ids", "txt_ids"))
    assert torch.allclose(
        painted["encoder_hidden_states"], learnt["encoder_hidden_states"], atol=0.05
    )  # rounded to bfloat16, by batches of other shapes


@pytest.mark.parametrize(("loss", "checkpointing"), [("sft", True), ("dpo", False)])
def test_an_adapter_learns_an_edit_with_its_source(loss: str, checkpointing: bool) -> None:
    """A preference is between two pictures made of one source, with the base as reference."""
    _, settings = params.load().tuning("tiny-dtm")
    base = entry(dtype="bfloat16")  # in which attention is replaced
    changes = {"steps": 2, "batch_size": 2, "rank": 2, "task": Task.P2P, "loss": loss, "gradient_checkpointing": checkpointing}
    wanted, losses, keys = settings.model_copy(update=changes), [], []
    for source in (1, 1, 2):
        tuner = Lora(Diffusers("tiny", base), wanted, 1)
        edits = [sample._replace(prompt=SAMPLES[0].prompt, source=factories.png(source, 64, 64)) for sample in SAMPLES]
        lessons = Lessons.single(edits) if loss == "sft" else Lessons(edits, [(0, 1)], [1.0], [1.0], [(0.0, 0.0)])
        losses.append(list(tuner.steps(lessons)))
        keys.append(tuner.key(lessons))
    assert losses[0] == losses[1] != losses[2] and keys[0] == keys[1] != keys[2]


def test_who_is_not_shown_the_source_that_it_paints_from_is_taught_no_edits() -> None:
    _, settings = params.load().tuning("tiny-dtm")
    wanted, kontext = settings.differing({"task": "p2p"}), Diffusers("tiny", entry())
    plain = {name: part for name, part in kontext.pipe.components.items() if name not in {"image_encoder", "feature_extractor"}}
    assert family_of(kontext, wanted)
    for options, pipe, said in (
        ({}, FluxPipeline(**plain), "FluxPipeline"),
        ({"size": "source"}, None, "size"),
        ({"ip_adapter": "x"}, None, "ip_adapter"),
    ):
        base = Diffusers("tiny", entry())
        base.pipe, base.model = pipe or kontext.pipe, entry(options=base.model.options.model_copy(update=options))
        with pytest.raises(ParamsError, match=names("params.yaml", "finetune.task", "p2p", said, "t2i")):
            family_of(base, wanted)


def test_flux_without_kontext_is_trained_to_the_same_adapter(tmp_path: Path) -> None:
    """The pipelines share network, autoencoder and target."""
    _, settings = params.load().tuning("tiny-dtm")
    kontext = Diffusers("tiny", entry())
    assert type(kontext.pipe) is FluxKontextPipeline
    FluxPipeline(**{name: part for name, part in kontext.pipe.components.items() if name not in {"image_encoder", "feature_extractor"}}).save_pretrained(
        tmp_path / "flux"
    )  # fmt: skip
    wanted = settings.model_copy(update={"steps": 2, "batch_size": 2, "rank": 2})
    for name, base in (("kontext", kontext), ("plain", Diffusers("tiny", entry(weights=str(tmp_path / "flux"))))):
        tuner = Lora(base, wanted, 1)
        list(tuner.steps(Lessons.single(SAMPLES)))
        tuner.save(tmp_path / name, {})
    adapters = [(tmp_path / name / "pytorch_lora_weights.safetensors").read_bytes() for name in ("kontext", "plain")]
    assert adapters[0] == adapters[1]
    tuned = Diffusers("tiny", entry(weights=str(tmp_path / "flux"), adapter=str(tmp_path / "plain")))
    assert tuned.generate([Order(SAMPLES[0].prompt, 1)])
