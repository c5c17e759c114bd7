"""A LoRA adapter in training: what learns, its optimiser, checkpoints and file, whatever it learns from."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from diffusers.training_utils import EMAModel
from peft import LoraConfig, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from trig.backends import families
from trig.backends.cards import TUNING
from trig.backends.families.family import Family
from trig.backends.losses.batch import Predict
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.attention import checkpoint
from trig.backends.trainers.masters import Masters
from trig.errors import ParamsError
from trig.files import replace, replacing
from trig.keys import content_key
from trig.memory import require
from trig.params.finetune import Finetune
from trig.vocabulary.dimensions import Task

COPIES = 5
"""Tensors per trained weight: the weight, its master, the gradient and two AdamW moments; an average is one more."""

AVERAGE = "average"
"""Name of an averaged weight in a checkpoint."""


def family(base: Diffusers, settings: Finetune) -> Family:
    """The architecture to train. Raises WeightsError where it is unknown, ParamsError where the loss cannot paint with it, or it takes no sources."""
    found = families.trainable(base.pipe, f"{base.field}.weights: {base.model.weights}")
    if settings.form == "groups" and settings.loss not in found.practises:
        raise ParamsError(
            f"params.yaml: finetune.loss: {settings.loss!r}: {type(base.pipe).__name__} of {base.field.rpartition(' ')[2]} does not paint by its steps;"
            f" set {' or '.join(found.practises)}"
        )
    if settings.task is not Task.T2I and (why := _untaught(base, found)):
        raise ParamsError(f"params.yaml: finetune.task: {settings.task.value!r}: {why}; set t2i, or another base")
    return found


def _untaught(base: Diffusers, found: Family) -> str | None:
    """Why a base is not taught with source pictures."""
    options, name = base.model.options, base.field.rpartition(" ")[2]
    if not found.learns_edits(base.pipe):
        return f"{type(base.pipe).__name__} of {name} learns from prompts alone, and FLUX Kontext with sources"
    if options.ip_adapter:
        return f"{name}.options.ip_adapter sees the sources, and is not what learns"
    if options.size == "source":
        return f"{name}.options.size: 'source' paints pictures of many sizes, and an adapter learns from one"
    return None


class Adapter:
    """A generator with a trainable LoRA adapter, all else frozen. At step 0 it equals its base."""

    def __init__(self, base: Diffusers, settings: Finetune, seed: int, training: int) -> None:
        self.pipe, self.family, self.call = base.pipe, family(base, settings), base.shared()
        self.network: Any = getattr(self.pipe, self.family.network)
        if self.network.dtype == torch.float16:
            self.pipe.to(torch.bfloat16)  # small gradients are 0 in float16
        self.revision = content_key(base=base.revision, settings=settings, seed=seed, training=training)
        self.settings, self.seed = settings, seed
        torch.manual_seed(seed)
        for part in self.pipe.components.values():
            if isinstance(part, torch.nn.Module):
                part.requires_grad_(False)
        self._fits()
        self.network.add_adapter(LoraConfig(r=settings.rank, lora_alpha=settings.rank, target_modules=list(self.family.targets)))
        if settings.gradient_checkpointing:
            checkpoint(self.network)
        self.masters = Masters(self.network)
        self.optimiser = torch.optim.AdamW(self.trainable(), lr=settings.learning_rate, weight_decay=1e-4, fused=True)
        self.average = EMAModel(self.trainable(), decay=settings.ema) if settings.ema else None

    def _fits(self) -> None:
        """Raises ParamsError if adapter weights, gradients and optimiser state exceed memory."""
        layers = (layer.weight for name, layer in self.network.named_modules() if name.endswith(self.family.targets))
        width = sum(weight.shape[0] + weight[0].numel() for weight in layers)
        require(width * self.settings.rank * 4 * (COPIES + bool(self.settings.ema)), "params.yaml: finetune.rank")

    def trainable(self) -> list[torch.nn.Parameter]:
        """The adapter's parameters, in float32; the network has them in its own dtype."""
        return self.masters.weights

    def learn(self) -> None:
        """One step of the optimiser along the gradients that were gathered, cut to a norm of 1; the average follows."""
        torch.nn.utils.clip_grad_norm_(self.trainable(), 1.0)
        self.optimiser.step()
        if self.average:
            self.average.step(self.trainable())
        self.masters.tell()

    def finite(self, loss: float, number: int) -> float:
        """The loss of a step, counted from 0. Raises ParamsError where it is no number."""
        if not isfinite(loss):
            raise self._diverged(f"the loss is not finite at step {number + 1} of {self.settings.steps}")
        return loss

    @torch.no_grad()
    def reference(self, predict: Predict, noisy: Tensor, level: Tensor) -> Tensor:
        """What the network predicts without its adapter."""
        self.network.disable_adapters()
        try:
            return predict(noisy, level)
        finally:
            self.network.enable_adapters()

    def _diverged(self, how: str) -> ParamsError:
        return ParamsError(f"params.yaml: finetune.learning_rate: {self.settings.learning_rate}: training diverges, {how}; lower it")

    def save_checkpoint(self, file: Path, losses: Sequence[float]) -> None:
        """Writes the adapter, optimiser state and loss history; a resumed run gives the same adapter."""
        state = self.optimiser.state_dict()["state"]
        tensors = {f"{index}.weight": weight.detach() for index, weight in enumerate(self.trainable())}
        tensors |= {f"{index}.{name}": value for index, values in state.items() for name, value in values.items()}
        if self.average:
            tensors |= {f"{index}.{AVERAGE}": value for index, value in enumerate(self.average.shadow_params)}
        with replacing(file) as part:
            save_file(tensors, part, {"losses": json.dumps(list(losses))})

    @torch.no_grad()
    def load_checkpoint(self, file: Path) -> list[float]:
        """Restores a checkpoint and returns its losses; empty if the file is damaged, and training starts over."""
        try:
            with safe_open(file, "pt") as kept:
                losses: list[float] = json.loads(kept.metadata()["losses"])
                tensors = {name: kept.get_tensor(name) for name in kept.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError, TypeError, KeyError):
            return []
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            place, _, what = name.partition(".")
            state.setdefault(int(place), {})[what] = tensor
        for place, weight in enumerate(self.trainable()):
            weight.copy_(state[place].pop("weight"))
        if self.average:
            self.average.optimization_step = max((int(values["step"]) for values in state.values() if "step" in values), default=0)
            for place, kept in enumerate(self.average.shadow_params):
                kept.copy_(state[place].pop(AVERAGE))
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})
        self.masters.tell()
        return losses

    def save(self, folder: Path, about: Mapping[str, object]) -> None:
        """Writes `pytorch_lora_weights.safetensors`, of the average where there is one, and the tuning card.

        Raises ParamsError when a weight is not finite.
        """
        if self.average:
            self.average.copy_to(self.trainable())
            self.masters.tell()
        if not all(weight.isfinite().all() for weight in self.trainable()):
            raise self._diverged("a weight is not finite after the last step")
        layers = {f"{self.family.network}_lora_layers": get_peft_model_state_dict(self.network, self.masters.state())}
        self.pipe.save_lora_weights(folder, **layers, safe_serialization=True)
        replace(folder / TUNING, json.dumps(dict(about), indent=2).encode() + b"\n")
