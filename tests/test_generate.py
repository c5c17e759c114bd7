"""Image generation: pictures depend on prompt and seed only, not on batch, run or interruption."""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
import transformers
from diffusers import AutoencoderKL, DDIMScheduler, DiffusionPipeline, FluxPipeline, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from lines import names
from PIL import Image
from safetensors.torch import load_file, save_file

from trig import generate, params, tables
from trig.backends import engines
from trig.backends.executors.local import Local
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.errors import WeightsError
from trig.generate.plan import plan
from trig.params.models.diffusers import DiffusersModel
from trig.protocols.generator import Generator, Order, Picture
from trig.protocols.refusal import Refusal
from trig.protocols.tuner import Lessons, Sample
from trig.store import Progress, Store
from trig.tables.images import IMAGES
from trig.tables.prompts import split
from trig.tables.sources import Library
from trig.testing import factories

ORDERS = [
    Order("a red ball in a meadow", 1),
    Order("a pencil sketch of a blue tree", 2),
    Order("a nurse and a black bomb at night, lifelike", 3),
]


@pytest.fixture(scope="module")
def painter() -> Diffusers:
    return Diffusers("tiny", params.load().pipeline("tiny").model_copy(update={"steps": 2}))


@pytest.fixture(scope="module")
def exact() -> Diffusers:
    return Diffusers("tiny", params.load().pipeline("tiny").model_copy(update={"steps": 2, "dtype": "float32"}))


def pixels(made: Picture | Refusal) -> np.ndarray:
    assert isinstance(made, Picture)
    return np.asarray(Image.open(BytesIO(made.file)).convert("RGB")).astype(int)


def test_a_picture_does_not_depend_on_its_batch(painter: Diffusers) -> None:
    together = painter.generate(ORDERS)
    alone = [painter.generate([order])[0] for order in ORDERS]
    assert max(np.abs(pixels(one) - pixels(other)).mean() for one, other in zip(together, alone, strict=True)) <= 1


def test_in_float32_no_pixel_of_a_picture_depends_on_its_batch(exact: Diffusers) -> None:
    edit = Order(ORDERS[0].prompt, 1, factories.png(1, 64, 64))
    for orders in (ORDERS, [ORDERS[0], edit, ORDERS[1]]):
        together = exact.generate(orders)
        alone = [exact.generate([order])[0] for order in orders]
        assert max(np.abs(pixels(one) - pixels(other)).max() for one, other in zip(together, alone, strict=True)) <= 2


def test_the_same_order_gives_the_same_bytes(painter: Diffusers) -> None:
    assert painter.generate(ORDERS) == painter.generate(ORDERS)


def test_another_seed_gives_another_picture(painter: Diffusers) -> None:
    one, other = painter.generate([Order("a red ball", 1), Order("a red ball", 2)])
    assert np.abs(pixels(one) - pixels(other)).mean() > 1


def test_a_source_image_changes_the_picture(painter: Diffusers) -> None:
    source = factories.png(1, 64, 64)
    plain, edited = painter.generate([ORDERS[0]])[0], painter.generate([Order(ORDERS[0].prompt, 1, source)])[0]
    assert pixels(edited).shape == (64, 64, 3)
    assert np.abs(pixels(plain) - pixels(edited)).mean() > 0.5


def test_the_revision_names_what_decides_a_picture() -> None:
    entry = params.load().pipeline("tiny")
    one, same, other = (Diffusers("tiny", entry.model_copy(update={"steps": steps})).revision for steps in (2, 2, 3))
    assert one == same != other


def test_missing_weights_are_named() -> None:
    with pytest.raises(WeightsError, match=names("params.yaml: models.x.weights", "data/nowhere", "safetensors", "`dvc pull`")):
        Diffusers("x", params.load().pipeline("tiny").model_copy(update={"weights": "data/nowhere"}))


class Counting:
    """Counts the orders of a real generator."""

    def __init__(self, real: Diffusers) -> None:
        self.real, self.revision, self.engine, self.orders = real, real.revision, real.engine, list[Order]()

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        self.orders += orders
        return self.real.generate(orders)


def shards(wanted: pl.DataFrame, maker: Generator, root: Path, seeds: int = 1) -> Progress:
    """The stage's work, in a folder with its own store: `images` is the output."""
    settings = params.load()
    settings = settings.model_copy(update={"generate": settings.generate.model_copy(update={"batch_size": 4})})
    with Store.open(root / "work") as store:
        planned = plan(wanted, maker, 42, seeds)
        return list(generate.shards(planned, Library(), "tiny", settings, maker, Local(maker), store, root / "images"))[-1]


def test_one_changed_prompt_costs_one_picture(painter: Diffusers, tmp_path: Path) -> None:
    prompts = split(factories.prompts(), "test")
    counting = Counting(painter)
    shards(prompts, counting, tmp_path)
    assert len(counting.orders) == prompts["key"].n_unique()
    counting.orders.clear()
    before = {file.name: file.stat().st_ino for file in tables.shards(tmp_path / "images")}
    changed = prompts.with_columns(key=pl.when(pl.col("data_id") == prompts["data_id"][0]).then(pl.lit("0" * 32)).otherwise("key"))
    shards(changed, counting, tmp_path)
    after = {file.name: file.stat().st_ino for file in tables.shards(tmp_path / "images")}
    assert len(counting.orders) == 1
    assert {name for name, inode in after.items() if before[name] != inode} == {f"{prompts['pair'][0]}.parquet"}
    assert tables.read(tmp_path / "images", IMAGES).height == prompts.height


def test_models_paint_a_prompt_from_the_same_seed() -> None:
    prompts = split(factories.prompts(), "test")
    one, other = (plan(prompts, Fickle(revision), 42) for revision in ("a", "b"))
    assert (one["seed"] == other["seed"]).all()
    assert not (one["image_key"] == other["image_key"]).any()
    assert (plan(prompts, Fickle("a"), 43)["seed"] != one["seed"]).all()


def entry(**changes: object) -> DiffusersModel:
    return params.load().pipeline("tiny").model_copy(update={"steps": 2, **changes})


def painter_parts(place: Path = Path("data/tiny/painter")) -> dict[str, Any]:
    return dict(DiffusionPipeline.from_pretrained(place, local_files_only=True).components)


def a_text_to_image_pipeline(place: Path) -> str:
    """The tiny painter's weights in a pipeline without image input."""
    parts = painter_parts()
    FluxPipeline(**{name: part for name, part in parts.items() if name not in {"image_encoder", "feature_extractor"}}).save_pretrained(
        place
    )
    return str(place)


def test_an_edit_is_not_painted_by_a_pipeline_that_takes_no_picture(tmp_path: Path) -> None:
    """Else it would be generated without its source and cached under a key that names the source."""
    maker = Diffusers("x", entry(weights=a_text_to_image_pipeline(tmp_path)))
    assert isinstance(maker.generate([ORDERS[0]])[0], Picture)
    with pytest.raises(WeightsError, match=names("params.yaml: models.x", "FluxPipeline", "'image'")):
        maker.generate([ORDERS[0], Order("make it blue", 1, factories.png(1, 64, 64))])


@pytest.mark.parametrize("name", ["width", "num_inference_steps", "true_cfg_scale", "negative_prompt"])
def test_a_setting_that_the_pipeline_does_not_know_is_refused_before_a_picture(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Diffusers("x", entry(negative_prompt="blur"))
    monkeypatch.setattr(maker, "accepts", {each: value for each, value in maker.accepts.items() if each not in {name, "guidance_scale"}})
    with pytest.raises(
        WeightsError, match=names("params.yaml: models.x", "FluxKontextPipeline", repr(name.replace("true_cfg", "guidance")))
    ):
        maker._known(maker._settings(maker.model))


def test_orders_with_and_without_a_source_share_a_batch(painter: Diffusers) -> None:
    edit = Order(ORDERS[0].prompt, 1, factories.png(1, 64, 64))
    mixed = painter.generate([ORDERS[0], edit, ORDERS[1]])
    alone = [painter.generate([order])[0] for order in (ORDERS[0], edit, ORDERS[1])]
    assert max(np.abs(pixels(one) - pixels(other)).mean() for one, other in zip(mixed, alone, strict=True)) <= 1


def test_a_picture_that_is_not_finite_is_a_refusal_and_no_black_square(tmp_path: Path) -> None:
    parts = painter_parts()
    with torch.no_grad():
        parts["vae"].decoder.conv_out.bias[0] = torch.nan
    type(DiffusionPipeline.from_pretrained("data/tiny/painter", local_files_only=True))(**parts).save_pretrained(tmp_path)
    given = Diffusers("x", entry(weights=str(tmp_path))).generate(ORDERS)
    assert given == [Refusal("not finite in 4096 of 4096 pixels", final=True)] * len(ORDERS)


def test_a_picture_that_its_pipeline_flags_is_a_refusal(tmp_path: Path) -> None:
    parts = painter_parts()
    text = parts["text_encoder"].config.hidden_size
    checker = transformers.CLIPConfig(
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
        },
        projection_dim=8,
    )
    safety = StableDiffusionSafetyChecker(checker)
    with torch.no_grad():
        safety.concept_embeds_weights.fill_(-2)  # below any cosine: everything is flagged
    unet = UNet2DConditionModel(
        sample_size=16, in_channels=8, out_channels=8, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=4, attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=text,
    )  # fmt: skip
    vae: AutoencoderKL = parts["vae"]
    size = {"height": 32, "width": 32}
    StableDiffusionPipeline(
        vae,
        parts["text_encoder"],
        parts["tokenizer"],
        unet,
        DDIMScheduler(steps_offset=1, clip_sample=False),
        safety,
        transformers.CLIPImageProcessor(size=size, crop_size=size),
    ).save_pretrained(tmp_path)
    given = Diffusers("x", entry(weights=str(tmp_path))).generate(ORDERS)
    assert given == [Refusal("flagged by the pipeline's own safety checker", final=True)] * len(ORDERS)


def test_a_prompt_longer_than_the_model_reads_is_counted(painter: Diffusers) -> None:
    short, long = painter.generate([Order("a red ball", 1), Order("a red ball " * 40, 1)])
    assert isinstance(short, Picture) and isinstance(long, Picture)
    assert (short.prompt_tokens, short.tokens_read) == (4, 4)
    assert long.prompt_tokens == 121 and long.tokens_read == painter.pipe.tokenizer_2.model_max_length < 121


def test_a_tokenizer_is_used_by_the_thread_that_paints_alone(painter: Diffusers, monkeypatch: pytest.MonkeyPatch) -> None:
    """How it pads is kept between two steps of a call: used by two threads, it would pad one prompt as is wanted of another."""
    kind, users = type(painter.pipe.tokenizer_2), set[int]()
    whole = kind.set_truncation_and_padding

    def watched(*said: Any, **more: Any) -> None:
        users.add(get_ident())
        whole(*said, **more)

    monkeypatch.setattr(kind, "set_truncation_and_padding", watched)
    painter.generate(ORDERS)
    assert users == {get_ident()}


class Fickle:
    """Refuses one prompt for good and one for now; generates the rest."""

    engine = "fickle 1"

    def __init__(self, revision: str = "fickle") -> None:
        self.revision, self.asked = revision, list[str]()

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        self.asked += [order.prompt for order in orders]
        return [self._given(order) for order in orders]

    def _given(self, order: Order) -> Picture | Refusal:
        if "thing 1" in order.prompt:
            return Refusal("flagged", final=True)
        return Refusal("busy") if "thing 2" in order.prompt else Picture(factories.png(order.seed % 100), 7, 5)


def test_a_refused_picture_is_a_row_with_its_reason_and_is_not_asked_for_again(tmp_path: Path) -> None:
    prompts = split(factories.prompts(), "test")
    maker = Fickle()
    shards(prompts, maker, tmp_path)
    first = len(maker.asked)
    assert shards(prompts, maker, tmp_path).refused == sum("thing 2" in prompt for prompt in prompts["prompt"].unique())
    assert all("thing 2" in prompt for prompt in maker.asked[first:]) and len(maker.asked) > first
    rows = tables.read(tmp_path / "images", IMAGES)
    said = {row["data_id"].split("_")[-1]: row for row in rows.iter_rows(named=True)}
    assert (said["1"]["image"], said["1"]["status"], said["1"]["reason"], said["1"]["engine"]) == (None, "null", "flagged", "fickle 1")
    assert (said["2"]["image"], said["2"]["status"]) == (None, "null") and said["2"]["reason"] == "busy"
    assert (said["3"]["status"], said["3"]["reason"], said["3"]["prompt_tokens"], said["3"]["tokens_read"]) == ("ok", None, 7, 5)


def test_every_picture_names_the_libraries_that_computed_it(painter: Diffusers, monkeypatch: pytest.MonkeyPatch) -> None:
    assert painter.engine == ", ".join(f"{name} {version(name)}" for name in ("diffusers", "transformers", "torch"))
    monkeypatch.setattr(engines, "version", lambda name: f"{version(name)}.post1")
    after, keyed = Diffusers("tiny", entry()), Diffusers("tiny", entry(), engine_in_key=True)
    assert after.revision == painter.revision and after.engine != painter.engine
    monkeypatch.undo()
    assert Diffusers("tiny", entry(), engine_in_key=True).revision not in {keyed.revision, painter.revision}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """Adapter weights after two steps."""
    _, settings = params.load().tuning("tiny-dtm")
    tuner = Lora(Diffusers("tiny", entry()), settings.model_copy(update={"steps": 2, "batch_size": 2, "rank": 4}), 1)
    list(tuner.steps(Lessons.single([Sample(order.prompt, factories.png(order.seed, 64, 64)) for order in ORDERS])))
    place = tmp_path_factory.mktemp("trained")
    tuner.save(place, {})
    found: dict[str, torch.Tensor] = load_file(place / ADAPTER)
    return found


ADAPTER = "pytorch_lora_weights.safetensors"
Weights = dict[str, torch.Tensor]


def renamed(weights: Weights, old: str, new: str) -> Weights:
    return {key.replace(old, new): weight for key, weight in weights.items()}


def changed(weights: Weights, change: Callable[[torch.Tensor], torch.Tensor], half: str = "lora") -> Weights:
    """Adapter weights with one factor changed."""
    return {key: change(weight) if half in key else weight for key, weight in weights.items()}


def more(weights: Weights) -> Weights:
    return weights | {"transformer.nowhere.lora_A.weight": torch.ones(4, 8), "transformer.nowhere.lora_B.weight": torch.ones(8, 4)}


def without(weights: Weights, half: str) -> Weights:
    """Adapter weights without one factor of a block."""
    return {key: weight for key, weight in weights.items() if "blocks.0." not in key or half not in key}


SPOILT: dict[str, tuple[Callable[[Weights], Weights], str]] = {
    "another part": (lambda all_: renamed(all_, "transformer.", "unet."), "80 of 80 keys fit nothing in the model, the first 'unet."),
    "other layers": (lambda all_: renamed(all_, ".attn.", ".attention."), "56 of 80 keys fit nothing"),
    "too much": (more, "2 of 82 keys fit nothing"),
    "another width": (lambda all_: changed(all_, lambda weight: weight[:, :100].contiguous(), "lora_A"), "40 of 80 keys fit nothing"),
    "without half A": (lambda all_: without(all_, "lora_A"), "weights are missing in the file, the first"),
    "without half B": (lambda all_: without(all_, "lora_B"), "diffusers cannot load it"),
    "zeros": (lambda all_: changed(all_, torch.zeros_like), "all its 80 weights together change nothing"),
    "zeros in one half": (lambda all_: changed(all_, torch.zeros_like, "lora_B"), "change nothing"),
    "not finite": (lambda all_: changed(all_, lambda weight: weight * torch.nan), "80 of 80 weights are not finite"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_an_adapter_that_fits_nothing_or_does_nothing_is_refused(how: str, trained: Weights, tmp_path: Path) -> None:
    spoil, said = SPOILT[how]
    save_file(spoil(trained), tmp_path / ADAPTER)
    with pytest.raises(WeightsError, match=names("params.yaml: models.x.adapter", tmp_path)) as refused:
        Diffusers("x", entry(adapter=str(tmp_path))).pipe  # noqa: B018
    assert said in str(refused.value) and len(str(refused.value).splitlines()) == 1


def test_a_sound_adapter_is_taken(trained: Weights, tmp_path: Path) -> None:
    save_file(trained, tmp_path / ADAPTER)
    assert Diffusers("x", entry(adapter=str(tmp_path))).engine.endswith(f"peft {version('peft')}")
