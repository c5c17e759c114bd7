"""Autoregressive pictures: a tiny random Janus writes them token by token, each from its own seed."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import janus
import numpy as np
import pytest
import torch
from lines import names
from numpy.typing import NDArray
from painted import place, rows
from PIL import Image
from safetensors.torch import load_file, save_file

from trig.backends.painters import transformers
from trig.backends.painters.transformers import Autoregressive, Draw
from trig.errors import WeightsError
from trig.params.models.transformers import TransformersModel
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal
from trig.testing import factories

ORDERS = [
    Order(prompt, seed)
    for seed, prompt in enumerate(("a red ball", "a blue tree in the snow at night", "snow", "a ball in the snow", "night"))
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("janus")
    janus.save(folder)
    return folder


def entry(weights: Path, **said: Any) -> TransformersModel:
    whole = {
        "extends": None, "backend": "transformers", "weights": str(weights), "needs": str(weights), "dtype": "float32", "guidance_scale": 5.0,
        "temperature": 1.0, "width": janus.SIDE, "height": janus.SIDE,
    }  # fmt: skip
    return TransformersModel.model_validate(whole | said)


@pytest.fixture(scope="module")
def painter(weights: Path) -> Autoregressive:
    return Autoregressive("x", entry(weights))


def pixels(made: Picture | Refusal) -> NDArray[np.int64]:
    assert isinstance(made, Picture), made
    return np.asarray(Image.open(BytesIO(made.file))).astype(int)


def test_a_picture_does_not_depend_on_its_batch(painter: Autoregressive) -> None:
    together = painter.generate(ORDERS)
    alone = [painter.generate([order])[0] for order in ORDERS]
    assert max(np.abs(pixels(one) - pixels(other)).max() for one, other in zip(together, alone, strict=True)) <= 2
    assert painter.generate(ORDERS) == together
    assert pixels(together[0]).shape == (janus.SIDE, janus.SIDE, 3)


def test_seed_and_prompt_decide(painter: Autoregressive) -> None:
    made = [pixels(painter.generate([order])[0]) for order in (ORDERS[0], Order(ORDERS[0].prompt, 99), Order("night", ORDERS[0].seed))]
    assert min(np.abs(made[0] - other).mean() for other in made[1:]) > 1


@pytest.mark.parametrize("said", [{"guidance_scale": 1.0}, {"temperature": 0.01}, {"dtype": "bfloat16"}])
def test_every_setting_reaches_the_picture_and_the_key(said: dict[str, Any], weights: Path, painter: Autoregressive) -> None:
    other = Autoregressive("x", entry(weights, **said))
    assert other.revision != painter.revision
    assert np.abs(pixels(other.generate(ORDERS[:1])[0]) - pixels(painter.generate(ORDERS[:1])[0])).max() > 1


def test_tokens_are_drawn_as_their_guided_probabilities_say() -> None:
    asked, blank, guidance, temperature = torch.tensor([1.0, 0.0, -1.0]), torch.tensor([0.5, 0.0, 0.2]), 3.0, 2.0
    draw = Draw(range(20_000), 1, guidance, temperature)
    scores = torch.cat([asked.expand(20_000, 3), blank.expand(20_000, 3)])
    shares = torch.bincount(draw(torch.empty(0), scores).argmax(-1), minlength=3) / 20_000
    wanted = torch.softmax((blank + guidance * (asked - blank)) / temperature, -1)
    assert (shares - wanted).abs().max() < 0.015


def test_prompts_that_it_cannot_read_are_refused_and_leave_the_others(painter: Autoregressive, tmp_path: Path) -> None:
    reserved, fine = Order("a <begin_of_image> ball", 1), ORDERS[0]
    assert painter.generate([reserved, fine]) == [
        Refusal("the prompt holds '<begin_of_image>', a word that the model reserves; write it otherwise", final=True),
        painter.generate([fine])[0],
    ]
    janus.save(tmp_path, context=janus.TOKENS + 9)
    narrow = Autoregressive("x", entry(tmp_path))
    long, short = narrow.generate([Order("a red ball in the snow at night", 1), fine])
    assert long == Refusal("the prompt has 13 tokens, and the model reads 9", final=True)
    assert isinstance(short, Picture) and short.prompt_tokens == short.tokens_read == 8


def test_logits_that_are_no_numbers_make_no_picture(weights: Path, tmp_path: Path) -> None:
    spoilt(weights, tmp_path, lambda name, weight: weight * torch.nan if name.endswith("vision_head.weight") else weight)
    made = Autoregressive("x", entry(tmp_path)).generate(ORDERS[:2])
    assert made == [Refusal("not finite: the model's logits or pixels are no numbers", final=True)] * 2


def test_a_batch_is_halved_until_it_fits(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painter, sizes = Autoregressive("x", entry(weights)), list[int]()
    whole = painter.network.generate

    def generate(tokens: torch.Tensor, *said: Any, **more: Any) -> Any:
        sizes.append(len(tokens))
        if len(tokens) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(tokens, *said, **more)

    monkeypatch.setattr(painter.network, "generate", generate)
    assert all(isinstance(made, Picture) for made in painter.generate(ORDERS)) and sizes == [5, 2, 2, 1]
    monkeypatch.setattr(painter.network, "generate", lambda *_, **__: whole(1 / 0))
    assert [made.reason for made in painter.generate(ORDERS[:2]) if isinstance(made, Refusal)] == [
        "the pipeline failed: ZeroDivisionError: division by zero"
    ] * 2


def test_one_picture_that_does_not_fit_is_one_line(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Autoregressive("x", entry(weights))

    def generate(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(painter.network, "generate", generate)
    with pytest.raises(WeightsError, match=names("params.yaml: models.x", "one picture", "bfloat16")):
        painter.generate(ORDERS)


def test_the_format_reaches_the_file_and_the_key(weights: Path, painter: Autoregressive) -> None:
    other = Autoregressive("x", entry(weights), form="webp")
    (made,), (plain,) = other.generate(ORDERS[:1]), painter.generate(ORDERS[:1])
    assert isinstance(made, Picture) and Image.open(BytesIO(made.file)).format == "WEBP"
    assert (pixels(made) == pixels(plain)).all() and other.revision != painter.revision


def test_a_black_picture_is_a_refusal(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Autoregressive("x", entry(weights))
    monkeypatch.setattr(painter.network, "decode_image_tokens", lambda written: torch.full((len(written), janus.SIDE, janus.SIDE, 3), -9.0))
    (made,) = painter.generate(ORDERS[:1])
    assert isinstance(made, Refusal) and "black" in made.reason and made.final


def spoilt(weights: Path, place: Path, change: Any) -> None:
    """A copy of the checkpoint with other weights; those for which `change` gives None are left out."""
    for file in weights.iterdir():
        if file.suffix != ".safetensors":
            (place / file.name).write_bytes(file.read_bytes())
    changed = {name: change(name, weight) for name, weight in load_file(weights / "model.safetensors").items()}
    save_file({name: weight for name, weight in changed.items() if weight is not None}, place / "model.safetensors", {"format": "pt"})


def test_weights_that_are_missing_are_not_made_up(weights: Path, tmp_path: Path) -> None:
    spoilt(weights, tmp_path, lambda name, weight: None if "generation_head" in name else weight)
    with pytest.raises(WeightsError, match=names("params.yaml: models.x.weights", tmp_path, "missing", "generation_head")):
        Autoregressive("x", entry(tmp_path)).generate(ORDERS[:1])


def test_a_source_picture_is_not_dropped_in_silence(painter: Autoregressive) -> None:
    with pytest.raises(WeightsError, match=names("params.yaml: models.x", "takes no picture")):
        painter.generate([Order("bluer", 1, factories.png(1))])


def test_another_size_or_architecture_is_one_line(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=names("params.yaml: models.x.width", 128, "64 × 64")):
        Autoregressive("x", entry(weights, width=128))
    spoilt(weights, tmp_path, lambda _, weight: weight)
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))["text_config"]
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(WeightsError, match=names("params.yaml: models.x.weights", "'llama'", "'janus'")):
        Autoregressive("x", entry(tmp_path))


def test_a_run_with_all_pictures_stored_loads_no_weights(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "janus").symlink_to(weights)
    said = {
        "backend": "transformers",
        "weights": "janus",
        "needs": "janus",
        "guidance_scale": 5.0,
        "width": janus.SIDE,
        "height": janus.SIDE,
    }
    place(tmp_path, monkeypatch, 3, words=said)
    first = rows(tmp_path, "words")
    assert {row["status"] for row in first.values()} == {"ok"}
    monkeypatch.setattr(transformers, "JanusForConditionalGeneration", None)
    assert rows(tmp_path, "words") == first
