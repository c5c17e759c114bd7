"""Options of an entry: each acts, or one line says why it cannot; those that change pixels enter the key."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lines import names
from safetensors.torch import load_file, save_file
from test_painter_entry import FIELD, entry

from trig.backends.painters.diffusers import Diffusers
from trig.errors import WeightsError
from trig.params.models.diffusers import DiffusersModel
from trig.params.options import Options, scaled
from trig.protocols.generator import Order
from trig.testing import factories
from trig.testing.architectures import build, ip_adapter
from trig.testing.architectures.probe import difference, opened, painter

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # what diffusers says of its own past
ORDER = Order("a red ball", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("architectures")


def with_options(**said: Any) -> DiffusersModel:
    return entry(options=Options.model_validate(said))


@pytest.mark.parametrize(
    ("said", "decides"),
    [
        ({"offload": "model"}, False),
        ({"offload": "sequential"}, False),
        ({"quantisation": "torchao-int8"}, True),
        ({"compile": True}, True),
        ({"vae_tiling": True}, True),
        ({"attention": "native"}, True),
        ({"size": "source"}, True),
    ],
)
def test_an_option_enters_the_key_where_it_can_change_a_pixel(said: dict[str, Any], decides: bool) -> None:
    assert (Diffusers("x", with_options(**said)).revision != Diffusers("x", entry()).revision) == decides


def test_options_reach_the_pipeline() -> None:
    pipe = Diffusers("x", with_options(vae_tiling=True, attention="native", offload="model", compile=True)).pipe
    assert pipe.vae.use_tiling and pipe.transformer._compiled_call_impl is not None


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"quantisation": "torchao-int8"}, ("options.quantisation", "'torchao-int8'", "torchao", "install")),
        ({"quantisation": "bitsandbytes-4bit"}, ("options.quantisation", "'bitsandbytes-4bit'", "bitsandbytes", "install")),
        ({"attention": "nothing"}, ("options.attention", "'nothing'", "null")),
        ({"attention": "flash"}, ("options.attention", "'flash'", "null")),
    ],
)
def test_an_option_that_cannot_be_had_is_one_line(said: dict[str, Any], named: tuple[str, ...]) -> None:
    with pytest.raises(WeightsError, match=names(FIELD, *named)) as refused:
        Diffusers("x", with_options(**said)).pipe  # noqa: B018
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(("said", "found"), [("a/b", ("a/b", 1.0)), ("a/b@0.5", ("a/b", 0.5)), ("a@b", ("a@b", 1.0)), ("a@2", ("a", 2.0))])
def test_an_adapter_may_have_a_scale(said: str, found: tuple[str, float]) -> None:
    assert scaled(said) == found


def test_the_scale_of_an_adapter_acts_and_enters_the_key_unless_it_is_1(tmp_path: Path) -> None:
    base = Diffusers("x", entry())
    base.pipe.transformer.add_adapter(_lora())
    with torch.no_grad():
        for name, weight in base.pipe.transformer.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.05)
    from peft import get_peft_model_state_dict

    base.pipe.save_lora_weights(tmp_path / "lora", transformer_lora_layers=get_peft_model_state_dict(base.pipe.transformer))
    made = {scale: Diffusers("x", entry(adapter=f"{tmp_path / 'lora'}{scale}")) for scale in ("", "@1", "@1.0", "@0.5", "@0")}
    assert made[""].revision == made["@1"].revision == made["@1.0"].revision
    assert len({each.revision for each in made.values()}) == 3
    whole, half, none = (made[scale].generate([ORDER])[0] for scale in ("", "@0.5", "@0"))
    assert difference(whole, half) > 2 and difference(whole, none) > 2
    assert difference(none, Diffusers("x", entry()).generate([ORDER])[0]) == 0


def _lora() -> Any:
    from peft import LoraConfig

    return LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v"], init_lora_weights="gaussian")


@pytest.mark.parametrize(("source", "painted"), [((64, 64), (64, 64)), ((128, 64), (88, 40)), ((40, 56), (40, 56)), ((50, 61), (48, 56))])
def test_an_edit_may_have_the_shape_of_its_source(source: tuple[int, int], painted: tuple[int, int], folder: Path) -> None:
    """InstructPix2Pix, in at most 64 × 64 pixels."""
    maker = painter("instruct-pix2pix", folder)
    assert maker.model.options.size == "source"
    (made,) = maker.generate([Order("a red ball", 1, factories.png(1, *source))])
    assert opened(made).size == painted


def test_edits_of_several_shapes_share_no_batch(folder: Path) -> None:
    maker = painter("instruct-pix2pix", folder)
    orders = [Order("a red ball", seed, factories.png(seed, *size)) for seed, size in enumerate([(64, 64), (32, 64), (64, 64)])]
    alone = [maker.generate([order])[0] for order in orders]
    assert max(map(difference, maker.generate(orders), alone)) <= 2


def test_a_source_is_squeezed_into_the_size_of_the_entry(folder: Path) -> None:
    """HQ-Edit, as in the paper's run."""
    (made,) = painter("hq-edit", folder).generate([Order("a red ball", 1, factories.png(1, 100, 40))])
    assert opened(made).size == (64, 64)


def test_an_ip_adapter_enters_the_key_by_its_content(folder: Path, tmp_path: Path) -> None:
    plain = painter("flux-ip-adapter", folder, options={})
    revisions = {plain.revision, painter("flux-ip-adapter", folder).revision}
    same, other = (shutil.copytree(folder / "flux-ip-adapter", tmp_path / name) for name in ("same", "other"))
    weights = load_file(other / "ip_adapter.safetensors")
    save_file({name: weight + 1 for name, weight in weights.items()}, other / "ip_adapter.safetensors")
    assert painter("flux-ip-adapter", folder, options={"ip_adapter": str(same)}).revision in revisions - {plain.revision}
    assert painter("flux-ip-adapter", folder, options={"ip_adapter": str(other)}).revision not in revisions


SPOILT: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "no encoder": (lambda place: shutil.rmtree(place / "image_encoder"), ("image_encoder",)),
    "other weights": (lambda place: save_file({"x": torch.ones(1)}, place / "ip_adapter.safetensors"), ("ip_adapter.safetensors", "FLUX")),
    "two files": (
        lambda place: (place / "ip_adapter.safetensors").rename(place / "a.safetensors") and save_file({}, place / "b.safetensors"),
        ("2",),
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_an_ip_adapter_that_is_not_whole_is_one_line(how: str, folder: Path, tmp_path: Path) -> None:
    spoil, named = SPOILT[how]
    spoil(ip_adapter(tmp_path / "ip"))
    refused = painter("flux-ip-adapter", folder, options={"ip_adapter": str(tmp_path / "ip")})
    with pytest.raises(WeightsError, match=names("params.yaml", "models.flux-ip-adapter.options.ip_adapter", *named)):
        refused.pipe  # noqa: B018


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A pipeline, its denoising network as a single file, and the rest of it as a folder."""
    place = tmp_path_factory.mktemp("single")
    whole = build("FluxPipeline", place / "whole")
    rest = shutil.copytree(whole, place / "rest")
    return whole, Path(shutil.move(rest / "transformer/diffusion_pytorch_model.safetensors", place / "flux.safetensors")), rest


def test_a_single_file_paints_as_the_folder_does(single: tuple[Path, Path, Path]) -> None:
    whole, file, rest = single
    said = {"guidance_scale": 3.5, "pipeline": "FluxPipeline"}
    made = Diffusers("x", entry(**said, weights=str(file), options=Options.model_validate({"config": str(rest)})))
    assert difference(made.generate([ORDER])[0], Diffusers("x", entry(**said, weights=str(whole))).generate([ORDER])[0]) == 0


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({}, ("options.config", "null", "flux.safetensors", "model_index.json")),
        ({"options": {"config": "{place}"}}, ("options.config", "model_index.json")),
        ({"pipeline": "auto"}, ("pipeline", "'auto'", "FluxPipeline")),
        ({"weights": "{place}/x.ckpt"}, ("weights", "x.ckpt", "pickle")),
    ],
)
def test_what_a_single_file_lacks_is_one_line(said: dict[str, Any], named: tuple[str, ...], single: tuple[Path, Path, Path]) -> None:
    _, file, _ = single
    (file.parent / "x.ckpt").touch()
    filled = json.loads(json.dumps(said).replace("{place}", str(file.parent)))
    filled["options"] = Options.model_validate(filled.get("options", {}))
    with pytest.raises(WeightsError, match=re.compile(names(FIELD, *named))):
        Diffusers("x", entry(**{"pipeline": "FluxPipeline", "weights": str(file), **filled})).pipe  # noqa: B018
