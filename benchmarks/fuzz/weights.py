"""Readers of weights: pipelines, adapters, judges' configurations and tokenizers, cards, and what lies in the hub's cache."""

import json
import pickle
import shutil
from functools import cache
from os import getcwd
from pathlib import Path
from typing import Any

from benchmarks.fuzz.reader import Reader
from trig.backends import cards, checkpoint, hub, weights
from trig.backends.painters.diffusers import Diffusers
from trig.errors import WeightsError
from trig.params.models.diffusers import DiffusersModel
from trig.params.zoo import ZOO
from trig.testing.programs import ROOT

JUDGE, EYE = ROOT / "data/tiny/judge", ROOT / "data/tiny/eye"
TEXTS = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "generation_config.json",
)


def _entry(place: Path, **more: Any) -> DiffusersModel:
    """An entry that paints with the pipeline in a folder."""
    own = {
        "extends": "flux-dev",
        "weights": str(place),
        "needs": str(more.get("adapter") or place),
        "dtype": "float32",
        "width": 64,
        "height": 64,
        "steps": 1,
    }
    return DiffusersModel.model_validate(ZOO.resolved({"x": own | more}, "params.yaml")["x"])


@cache
def _tiny() -> Path:
    """A tiny FLUX, built once below the box."""
    from trig.testing.architectures import build

    place = Path.cwd().parent / "flux"
    return place if place.is_dir() else build("FluxPipeline", place)


def _pipeline(place: Path) -> None:
    """Without tokenizers' vocabulary files, which are large beside the rest."""
    shutil.copytree(_tiny(), place / "flux")


def _open(given: Path, _: Path) -> None:
    weights.revision.cache_clear()
    entry = _entry(given / "flux")
    weights.model_description(entry, "params.yaml: models.x", False)
    _ = Diffusers("x", entry).pipe


def _adapter(place: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model_state_dict

    pipe = Diffusers("x", _entry(_tiny())).pipe
    pipe.transformer.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v"], init_lora_weights="gaussian"))
    with torch.no_grad():
        for name, weight in pipe.transformer.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.05)
    pipe.save_lora_weights(place / "lora", transformer_lora_layers=get_peft_model_state_dict(pipe.transformer))
    (place / "lora" / cards.TUNING).write_text(json.dumps({"base": "x", "pair": "IQ-R_TA-C", "rank": 2}), "utf-8")


def _attach(given: Path, _: Path) -> None:
    weights.revision.cache_clear()
    entry = _entry(_tiny(), adapter=str(given / "lora"))
    weights.model_description(entry, "params.yaml: models.x", False)
    _ = Diffusers("x", entry).pipe


def _checkpoint(place: Path) -> None:
    for file in JUDGE.iterdir():
        if file.name in TEXTS or file.name == checkpoint.TOKENIZER:
            shutil.copy(file, place)


def _read_checkpoint(given: Path, _: Path) -> None:
    """What is read of a judge without its weights: lengths, special tokens, counts."""
    found = checkpoint.read(given)
    found.count("a red ball")
    if found.vision:
        found.vision.tokens(640, 480)
        found.vision.bound(1_003_520)
    checkpoint.unsayable("a <|im_end|> ball", checkpoint.reserved(given))


def _cached(place: Path) -> None:
    """A pipeline in the hub's cache, in shards, without its weights' bytes."""
    (place / "unet").mkdir()
    (place / hub.INDEX).write_text(
        json.dumps({"_class_name": "P", "unet": ["diffusers", "UNet2DConditionModel"], "scheduler": [None, None]}), "utf-8"
    )
    (place / "unet/config.json").write_text("{}", "utf-8")
    index = {"metadata": {"total_size": 2}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}
    (place / "unet/m.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    for number in (1, 2):
        (place / f"unet/m-{number}.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")


def _find(given: Path, _: Path) -> None:
    for single in (False, True):
        hub.missing(given, single)
    weights.folder(str(given), "params.yaml: models.x.weights")


def _judge(place: Path) -> None:
    """The shipped judge's configuration and tokenizer; its weights are linked where it is read."""
    _checkpoint(place)


def _load_judge(given: Path, out: Path) -> None:
    """All that is loaded before a question is asked."""
    from trig.backends.judges.transformers import Transformers

    weights.revision.cache_clear()
    shutil.copytree(given, out / "judge", symlinks=True)
    for file in JUDGE.glob("*.safetensors"):
        (out / "judge" / file.name).symlink_to(file)
    Transformers("x", str(out / "judge"), 4).encode("a red ball")


def _pickled(place: Path) -> None:
    """A pipeline, an adapter and a judge whose weights are pickles."""
    loaded = pickle.dumps(getcwd)  # the guard notes whoever looks up what a pickle names
    shutil.copytree(_tiny(), place / "flux")
    (place / "lora").mkdir()
    (place / "lora" / cards.TUNING).write_text(json.dumps({"base": "x", "pair": "IQ-R_TA-C", "rank": 2}), "utf-8")
    (place / "judge").mkdir()
    _checkpoint(place / "judge")
    for file in (place / "flux").rglob("*.safetensors"):
        file.unlink()
        file.with_suffix(".bin").write_bytes(loaded)
    for name in ("lora/pytorch_lora_weights.bin", "judge/pytorch_model.bin"):
        (place / name).write_bytes(loaded)


def _refuse(given: Path, _: Path) -> None:
    """Raises AssertionError where one is not refused."""
    from trig.backends.judges.transformers import Transformers

    weights.revision.cache_clear()
    for read in (
        lambda: Diffusers("x", _entry(given / "flux")).pipe,
        lambda: Diffusers("x", _entry(_tiny(), adapter=str(given / "lora"))).pipe,
        lambda: Transformers("x", str(given / "judge"), 4).forward,
    ):
        try:
            read()
        except WeightsError:
            continue
        raise AssertionError("no weights but pickles are here, and they were taken")


def _whole_judge(place: Path) -> None:
    """The shipped judge, weights too."""
    for file in JUDGE.iterdir():
        shutil.copy(file, place)


def _open_judge(given: Path, _: Path) -> None:
    from trig.backends.judges.transformers import Transformers

    weights.revision.cache_clear()
    assert Transformers("x", str(given), 4).forward


def _eye(place: Path) -> None:
    """The shipped second eye without its CLIP weights, which are linked where it is read."""
    for file in EYE.iterdir():
        if file.name != "model.safetensors":
            shutil.copy(file, place)


def _look(given: Path, out: Path) -> None:
    """What it says of a grey picture."""
    from PIL import Image

    from trig.backends.clip import Clip
    from trig.protocols.eye import Look

    weights.revision.cache_clear()
    shutil.copytree(given, out / "eye", symlinks=True)
    (out / "eye/model.safetensors").symlink_to(EYE / "model.safetensors")
    Clip(str(out / "eye")).scores([Look("a red ball", Image.new("RGB", (64, 64), "grey"))])


READERS = (
    Reader("pipeline", 200, _pipeline, _open),
    Reader("adapter", 200, _adapter, _attach),
    Reader("checkpoint", 300, _checkpoint, _read_checkpoint),
    Reader("hub-cache", 200, _cached, _find),
    Reader("judge", 200, _judge, _load_judge),
    Reader("judge-weights", 60, _whole_judge, _open_judge),
    Reader("pickles", 60, _pickled, _refuse),
    Reader("eye", 200, _eye, _look),
)
