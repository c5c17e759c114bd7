"""LoRA fine-tuning of a diffusers pipeline with peft; saved in diffusers format."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from math import isfinite
from pathlib import Path

import numpy as np
import torch
from diffusers.training_utils import cast_training_params
from peft import LoraConfig, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from trig.backends import families, losses
from trig.backends.families.family import Encoded, Family
from trig.backends.losses.batch import Batch, Predict
from trig.backends.painters.diffusers import Diffusers
from trig.backends.weights import CARD
from trig.errors import ParamsError
from trig.files import replace, replacing
from trig.keys import content_key
from trig.memory import require
from trig.params.finetune import Finetune
from trig.protocols.tuner import Lessons

TRAINING = 2
"""Cache version: raise it when training changes, so that old checkpoints are not resumed."""
COPIES = 4
"""Tensors per trained weight: the weight, its gradient and two AdamW moments."""


def family(base: Diffusers) -> Family:
    """The architecture to train. Raises WeightsError where it is unknown."""
    return families.trainable(base.pipe, f"{base.field}.weights: {base.model.weights}")


@dataclass(frozen=True, slots=True)
class Taught:
    """Lessons as tensors."""

    given: Encoded  # the pictures of all lessons, each once
    members: Tensor  # (lessons, members): rows of `given`
    gains: Tensor  # (lessons, members)
    labels: Tensor  # (lessons,)
    weights: Tensor  # (lessons,)
    kinds: list[Tensor]  # lessons that are drawn equally often: of single pictures the good, and those to avoid

    def drawn(self, pictures: int, rng: np.random.Generator) -> Tensor:
        """Lessons of a step of so many pictures, at least one."""
        count = max(1, pictures // self.members.shape[1])
        shares = (count // len(self.kinds) + (place < count % len(self.kinds)) for place in range(len(self.kinds)))
        return torch.cat(
            [kind[torch.from_numpy(rng.integers(0, len(kind), share))] for kind, share in zip(self.kinds, shares, strict=True)]
        )


class Lora:
    """A generator with a trainable LoRA adapter, all else frozen. At step 0 it equals its base."""

    def __init__(self, base: Diffusers, settings: Finetune, seed: int) -> None:
        self.pipe, self.family, self.loss = base.pipe, family(base), losses.load(settings.loss)
        self.network = getattr(self.pipe, self.family.network)
        self.revision = content_key(base=base.revision, settings=settings, seed=seed, training=TRAINING)
        self.settings, self.seed = settings, seed
        torch.manual_seed(seed)
        for part in self.pipe.components.values():
            if isinstance(part, torch.nn.Module):
                part.requires_grad_(False)
        self._fits()
        self.network.add_adapter(LoraConfig(r=settings.rank, lora_alpha=settings.rank, target_modules=list(self.family.targets)))
        cast_training_params(self.network)  # a step of AdamW is lost in the rounding of bfloat16
        self.optimiser = torch.optim.AdamW(self.trainable(), lr=settings.learning_rate, weight_decay=1e-4)

    def _fits(self) -> None:
        """Raises ParamsError if adapter weights, gradients and optimiser state exceed memory."""
        layers = (layer for name, layer in self.network.named_modules() if name.endswith(self.family.targets))
        width = sum(layer.in_features + layer.out_features for layer in layers)
        require(width * self.settings.rank * 4 * COPIES, "params.yaml: finetune.rank")

    def trainable(self) -> list[torch.nn.Parameter]:
        """The adapter's parameters."""
        return [weight for weight in self.network.parameters() if weight.requires_grad]

    def key(self, lessons: Lessons) -> str:
        """Content key of a training run: base model, hyperparameters, seed and lessons."""
        samples = [(prompt, blake2b(png, digest_size=16).digest()) for prompt, png in lessons.samples]
        return content_key(
            tuner=self.revision,
            samples=samples,
            members=lessons.members,
            labels=lessons.labels,
            weights=lessons.weights,
            gains=lessons.gains,
        )

    def steps(self, lessons: Lessons, done: int = 0) -> Iterator[float]:
        """Trains on the lessons, resuming after `done` steps; yields the loss of each step. Raises ParamsError when it is not finite."""
        taught = self.taught(lessons)
        for number in range(done, self.settings.steps):
            yield self.step(taught, number)

    def step(self, taught: Taught, number: int) -> float:
        """One step of the optimiser, and its loss. Batch, noise levels and noise are seeded by (seed, number)."""
        rng = np.random.default_rng((self.seed, number))
        loss = self.loss(self.batch(taught, taught.drawn(self.settings.batch_size, rng)), rng)
        if not isfinite(said := float(loss.detach())):
            raise self._diverged(f"the loss is not finite at step {number + 1} of {self.settings.steps}")
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trainable(), 1.0)
        self.optimiser.step()
        return said

    @torch.no_grad()
    def taught(self, lessons: Lessons) -> Taught:
        """Lessons as the network sees them: pictures and prompts are encoded once."""
        given = self.family.encode(self.pipe, lessons.samples)
        gains, labels, weights = (
            torch.tensor(each, dtype=torch.float32, device=given.latents.device)
            for each in (lessons.gains, lessons.labels, lessons.weights)
        )
        members = torch.tensor(lessons.members)
        every, bad = torch.arange(len(members)), labels.cpu() == 0
        kinds = [every[~bad], every[bad]] if members.shape[1] == 1 else [every]
        return Taught(given, members, gains, labels, weights, [kind for kind in kinds if len(kind)])

    def batch(self, taught: Taught, chosen: Tensor) -> Batch:
        """What a loss is given of these lessons."""
        given = taught.given.rows(taught.members[chosen].flatten())
        predict = partial(self.family.predict, self.pipe, given)
        gains, labels, weights = (each[chosen.to(each.device)] for each in (taught.gains, taught.labels, taught.weights))
        noised, reference = partial(self.family.noised, self.pipe), partial(self._reference, predict)
        return Batch(given.latents, noised, predict, reference, gains, labels, weights, self.settings.strength)

    @torch.no_grad()
    def _reference(self, predict: Predict, noisy: Tensor, level: Tensor) -> Tensor:
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
        tensors = {f"{place}.weight": weight.detach() for place, weight in enumerate(self.trainable())}
        tensors |= {f"{place}.{name}": value for place, values in state.items() for name, value in values.items()}
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
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})
        return losses

    def save(self, folder: Path, about: Mapping[str, object]) -> None:
        """Writes `pytorch_lora_weights.safetensors` and the tuning card. Raises ParamsError when a weight is not finite."""
        if not all(weight.isfinite().all() for weight in self.trainable()):
            raise self._diverged("a weight is not finite after the last step")
        layers = {f"{self.family.network}_lora_layers": get_peft_model_state_dict(self.network)}
        self.pipe.save_lora_weights(folder, **layers, safe_serialization=True)
        replace(folder / CARD, json.dumps(dict(about), indent=2).encode() + b"\n")
