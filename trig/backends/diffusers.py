"""Generators that diffusers loads."""

import inspect
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import diffusers
import torch
import transformers
from diffusers import DiffusionPipeline
from PIL import Image
from safetensors import SafetensorError

from trig.backends.weights import brief, folder, revision
from trig.errors import WeightsError
from trig.keys import content_key
from trig.params import Model
from trig.protocols import Order

diffusers.utils.logging.set_verbosity_error()  # it takes an adapter without text-encoder weights for a mistake
diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()


PAINTING = 1
"""Counts up when this module begins to call pipelines in a way that changes pictures, so that no stored picture is taken for a new one."""


class Diffusers:
    """A diffusers pipeline, with an adapter if the model has one. Satisfies `Generator`."""

    def __init__(self, name: str, model: Model) -> None:
        field = f"params.yaml: models.{name}"
        weights = folder(model.weights, f"{field}.weights")
        adapter = folder(model.adapter, f"{field}.adapter") if model.adapter else None
        call = model.model_dump(exclude={"weights", "adapter", "needs"})
        self.revision = content_key(weights=revision(weights), adapter=adapter and revision(adapter), call=call, painting=PAINTING)
        self.model = model
        try:
            self.pipe = DiffusionPipeline.from_pretrained(weights, dtype=torch.float32, local_files_only=True, use_safetensors=True)
            if adapter:
                self.pipe.load_lora_weights(adapter)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise WeightsError(f"{field}: {model.weights}: diffusers cannot load it: {brief(error)}") from error
        self.pipe.set_progress_bar_config(disable=True)
        if torch.cuda.is_available():
            self.pipe.to("cuda")
        self.accepts = inspect.signature(self.pipe.__call__).parameters

    def generate(self, orders: Sequence[Order]) -> list[bytes]:
        """One PNG per order. Every order has a random generator of its own, so its neighbours cannot change its noise."""
        with torch.inference_mode():
            pictures = self.pipe(**self._call(orders)).images
        return [_png(picture) for picture in pictures]

    def _call(self, orders: Sequence[Order]) -> dict[str, Any]:
        """The pipeline's arguments; one that a pipeline does not know is left out."""
        model = self.model
        sources = [order.source_image for order in orders if order.source_image is not None]
        wanted: dict[str, Any] = {
            "prompt": [order.prompt for order in orders],
            "num_inference_steps": model.steps,
            "guidance_scale": model.guidance_scale,
            "width": model.width,
            "height": model.height,
            "max_area": model.width * model.height,
            "_auto_resize": False,
            "generator": [torch.Generator().manual_seed(order.seed) for order in orders],
        }
        if sources:
            wanted["image"] = [Image.open(BytesIO(source)).convert("RGB") for source in sources]
        if "true_cfg_scale" in self.accepts and not self._distilled():
            wanted["true_cfg_scale"] = wanted.pop("guidance_scale")
        if model.guidance_scale > 1 and not self._distilled():
            wanted["negative_prompt"] = [model.negative_prompt] * len(orders)
        if "max_sequence_length" in self.accepts:
            reads = next(each for name in ("tokenizer_3", "tokenizer_2", "tokenizer") if (each := getattr(self.pipe, name, None)))
            wanted["max_sequence_length"] = min(self.accepts["max_sequence_length"].default, reads.model_max_length)
        return {name: value for name, value in wanted.items() if name in self.accepts}

    def _distilled(self) -> bool:
        """Whether guidance is an input that the model learnt, so that it must not be applied from outside as well."""
        return bool(getattr(getattr(self.pipe, "transformer", None), "config", {}).get("guidance_embeds", False))


def _png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
