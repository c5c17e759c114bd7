"""Strict LoRA loading for diffusers pipelines: diffusers itself only logs missing and unexpected keys."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from peft import get_peft_model_state_dict
from peft.tuners.lora import LoraLayer

from trig.backends.unloadable import UNLOADABLE
from trig.backends.weights import brief
from trig.errors import WeightsError


def attach(pipe: DiffusionPipeline, adapter: Path, field: str) -> None:
    """Load a LoRA adapter. Raises WeightsError for unexpected or missing keys, non-finite weights, or if every update B·A is zero."""
    try:
        found = pipe.lora_state_dict(adapter, use_safetensors=True)
        pipe.load_lora_weights(adapter, use_safetensors=True)
    except UNLOADABLE as error:
        raise WeightsError(f"{field}: {adapter}: diffusers cannot load it: {brief(error)}; fetch it whole, or name another") from error
    state: Mapping[str, torch.Tensor] = found[0] if isinstance(found, tuple) else found
    wanted = {key: weight for key, weight in state.items() if "lora" in key and not key.endswith(".alpha")}
    loaded = {
        f"{name}.{key}": weight
        for name, part in _adapted(pipe)
        for key, weight in get_peft_model_state_dict(part, adapter_name=_name(part)).items()
    }
    _fits(wanted, loaded, f"{field}: {adapter}")
    _acts(pipe, loaded, f"{field}: {adapter}")


def scale(pipe: DiffusionPipeline, strength: float) -> None:
    """Weighs the update B·A of an attached adapter."""
    if strength != 1:
        names = sorted({_name(part) for _, part in _adapted(pipe)})
        pipe.set_adapters(names, [strength] * len(names))


def _fits(wanted: Mapping[str, torch.Tensor], loaded: Mapping[str, torch.Tensor], where: str) -> None:
    """Keys and shapes of file and model match one-to-one. Older formats name keys otherwise: only their number is compared."""
    if not wanted:
        raise WeightsError(f"{where}: it holds no LoRA weights; name the folder of an adapter for this pipeline")
    strange = [key for key, weight in wanted.items() if key not in loaded or loaded[key].shape != weight.shape]
    if strange and (len(wanted) != len(loaded) or loaded.keys() & wanted.keys()):
        raise WeightsError(
            f"{where}: {len(strange)} of {len(wanted)} keys fit nothing in the model, the first {strange[0]!r}; name an adapter that was trained for"
            f" these weights, saved as diffusers saves it"
        )
    if len(loaded) > len(wanted):
        half = sorted(loaded.keys() - wanted.keys())
        raise WeightsError(f"{where}: {len(half)} of {len(loaded)} weights are missing in the file, the first {half[0]!r}; fetch it whole")


def _acts(pipe: DiffusionPipeline, loaded: Mapping[str, torch.Tensor], where: str) -> None:
    """All weights are finite, and some update B·A is not zero."""
    if ruined := [key for key, weight in loaded.items() if not weight.isfinite().all()]:
        raise WeightsError(f"{where}: {len(ruined)} of {len(loaded)} weights are not finite, the first {ruined[0]!r}; train it anew")
    layers = ((layer, _name(part)) for _, part in _adapted(pipe) for layer in part.modules() if isinstance(layer, LoraLayer))
    if not any(layer.get_delta_weight(name).any() for layer, name in layers if name in layer.scaling):
        raise WeightsError(
            f"{where}: all its {len(loaded)} weights together change nothing (B·A is zero), so the model would paint as its base"
        )


def _adapted(pipe: DiffusionPipeline) -> Iterator[tuple[str, Any]]:
    """Pipeline components with an adapter, by name."""
    return ((name, part) for name, part in pipe.components.items() if getattr(part, "peft_config", None))


def _name(part: Any) -> str:
    name: str = next(iter(part.peft_config))
    return name
