"""Image generators loaded with diffusers."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from diffusers import DiffusionPipeline, SchedulerMixin
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError

from trig.backends.engines import PAINTERS, engine
from trig.backends.families import calls
from trig.backends.painters.adapter import attach
from trig.backends.weights import brief, folder, identity, located, revision
from trig.errors import WeightsError
from trig.keys import content_key
from trig.memory import require
from trig.params.generate import Model
from trig.pictures import pixels
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal

diffusers.utils.logging.set_verbosity_error()  # it warns of adapters without text-encoder weights
diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()

BYTES = 3 * 4 * 2
"""Bytes per pixel: three float32 channels, before and after clipping."""
PAINTING = 3
"""Cache version: raise it when a change to pipeline calls can change images."""


class Diffusers:
    """A diffusers pipeline with an optional LoRA adapter. Satisfies `Generator`. `engine_in_key`: library versions are part of the cache key."""

    def __init__(self, name: str, model: Model, engine_in_key: bool = False) -> None:
        self.field = f"params.yaml: models.{name}"
        weights = located(model.weights, f"{self.field}.weights")
        adapter = folder(model.adapter, f"{self.field}.adapter") if model.adapter else None
        self.engine = engine(PAINTERS, adapter=adapter is not None)
        made_by = {
            "weights": identity(model.weights, self.field),
            "adapter": adapter and revision(adapter),
            "engine": self.engine if engine_in_key else None,
        }
        self.revision = content_key(**made_by, call=model.decides(), painting=PAINTING)
        self.model = model
        try:
            self.pipe = _pipeline(model, weights, self.field)
            if adapter:
                attach(self.pipe, adapter, f"{self.field}.adapter")
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise WeightsError(f"{self.field}: {model.weights}: diffusers cannot load it: {brief(error)}") from error
        self.pipe.set_progress_bar_config(disable=True)
        if torch.cuda.is_available():
            self.pipe.to("cuda")
        self.calls = calls(self.pipe)
        self.accepts = inspect.signature(self.pipe.__call__).parameters
        self.reader = _reader(self.pipe, model.call.get("max_sequence_length"))
        self._known(self._settings())

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """An image or Refusal per order, each with its own random generator. Raises WeightsError for a source image it cannot take.

        Batch size moves pixels by rounding at most: kernels sum in another order.
        """
        made: dict[int, Picture | Refusal] = {}
        for edits in (False, True):
            places = [place for place, order in enumerate(orders) if (order.source_image is not None) == edits]
            if places:
                made |= zip(places, self._painted([orders[place] for place in places]), strict=True)
        return [made[place] for place in range(len(orders))]

    def _painted(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """One batch; all orders have a source image, or none has."""
        require(len(orders) * self.model.width * self.model.height * BYTES, "params.yaml: generate.batch_size")
        call = self._call(orders)
        with torch.inference_mode():
            out = self.pipe(**call)
        flagged = getattr(out, "nsfw_content_detected", None) or [False] * len(orders)
        return [self._made(order, *each) for order, *each in zip(orders, out.images, flagged, strict=True)]

    def _made(self, order: Order, shown: "NDArray[np.float32] | Image.Image", flagged: bool) -> Picture | Refusal:
        if flagged:
            return Refusal("flagged by the pipeline's own safety checker", final=True)
        if isinstance(shown, np.ndarray):
            if strange := int((~np.isfinite(shown)).any(-1).sum()):
                return Refusal(f"not finite in {strange} of {shown.shape[0] * shown.shape[1]} pixels", final=True)
            shown = Image.fromarray((shown * 255).round().astype(np.uint8).squeeze())
        return Picture(_png(shown), *self._read(order.prompt))

    def _read(self, prompt: str) -> tuple[int | None, int | None]:
        """Prompt length in tokens, and length after truncation."""
        if self.reader is None:
            return None, None
        tokens = len(self.reader.tokenizer(prompt, verbose=False).input_ids)
        return tokens, min(tokens, self.reader.most)

    def _call(self, orders: Sequence[Order]) -> dict[str, Any]:
        """Pipeline arguments of a batch."""
        wanted = self._settings() | {
            "prompt": [order.prompt for order in orders],
            "generator": [torch.Generator().manual_seed(order.seed) for order in orders],
        }
        sources = [order.source_image for order in orders if order.source_image is not None]
        if sources:
            wanted["image"] = [pixels(source) for source in sources]
        if "negative_prompt" in wanted:
            wanted["negative_prompt"] = [wanted["negative_prompt"]] * len(orders)
        return self._known(wanted)

    def _settings(self) -> dict[str, Any]:
        """Pipeline arguments shared by all orders."""
        distilled = self.calls.distilled(self.pipe)
        if distilled and self.model.negative_prompt:
            raise WeightsError(f"{self.field}.negative_prompt: guidance is distilled into this model, which takes none; set it to ''")
        wanted = self.calls.arguments(self.model, self.accepts, distilled)
        if self.reader and "max_sequence_length" in self.accepts:
            wanted["max_sequence_length"] = self.reader.most
        return wanted | self.model.call

    def _known(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """The arguments the pipeline accepts. Raises WeightsError if it lacks one that affects the image."""
        for name in sorted(wanted.keys() - self.accepts.keys() - (self.calls.conveniences - self.model.call.keys())):
            told = "the picture to edit, or the subject" if name == "image" else f"{name} {wanted[name]!r}"
            raise WeightsError(
                f"{self.field}: {type(self.pipe).__name__} takes no {name!r}, so {told} would be left out; name another pipeline for this task"
            )
        return {name: value for name, value in wanted.items() if name in self.accepts}


@dataclass(frozen=True, slots=True)
class Reader:
    """The pipeline's tokenizer with the longest maximum length, and that length in tokens."""

    tokenizer: Any
    most: int


def _pipeline(model: Model, weights: Path, field: str) -> DiffusionPipeline:
    """The pipeline of an entry, by its class, in its numbers, with its scheduler."""
    kind = DiffusionPipeline if model.pipeline == "auto" else _class(model.pipeline, DiffusionPipeline, f"{field}.pipeline")
    pipe = kind.from_pretrained(weights, dtype=getattr(torch, model.dtype), local_files_only=True, use_safetensors=True)
    if model.scheduler:
        pipe.scheduler = _class(model.scheduler, SchedulerMixin, f"{field}.scheduler").from_config(pipe.scheduler.config)
    return pipe


def _class(name: str, of: type, field: str) -> Any:
    found = getattr(diffusers, name, None)
    if not (isinstance(found, type) and issubclass(found, of)):
        raise WeightsError(f"{field}: {name!r}: diffusers {diffusers.__version__} has no {of.__name__} of this name; check the spelling")
    return found


def _reader(pipe: DiffusionPipeline, asked: Any) -> Reader | None:
    """`asked`: the sequence length that the entry asks for, if any."""
    names = ("tokenizer_3", "tokenizer_2", "tokenizer")
    tokenizer = next((each for name in names if (each := getattr(pipe, name, None))), None)
    if tokenizer is None:
        return None
    length = inspect.signature(pipe.__call__).parameters.get("max_sequence_length")
    return Reader(tokenizer, min(asked or length.default, tokenizer.model_max_length) if length else tokenizer.model_max_length)


def _png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
