"""Call arguments of a diffusers pipeline, as far as its signature tells them."""

import inspect
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from enum import StrEnum
from math import lcm
from typing import Any

from PIL import Image

from trig.params.models.diffusers import DiffusersModel


class Share(StrEnum):
    """Which rows may share a batch, so that each is painted as if it were alone."""

    ANY = "any"
    LENGTH = "length"  # those whose prompts have equally many tokens
    NONE = "none"


class Calls:
    """How a pipeline of any family is called; a family overrides what differs. The defaults are for a pipeline that no family knows."""

    pipelines: tuple[str, ...] = ()
    """Class names in diffusers."""
    conveniences: frozenset[str] = frozenset({"_auto_resize", "max_sequence_length", "output_type", "use_resolution_binning"})
    """Arguments that turn off a pipeline's own resizing, truncation or rounding; dropped where it does not accept them."""
    text: Share = Share.NONE
    """Rows that may share a batch, of prompts without a source picture."""
    edits: Share = Share.NONE
    """The same, of edits and subjects with source pictures of one size."""
    cell: int = 1
    """Sides are multiples of so many cells of the autoencoder …"""
    least: int = 1
    """… and of so many pixels."""
    empty_negative: bool = False
    """Guidance is off unless a negative prompt is given, which may be empty. Elsewhere an empty one is not given: SDXL tells it from none."""
    tokenizers: tuple[str, ...] = ("tokenizer_3", "tokenizer_2", "tokenizer")
    """Components whose length limit decides how much of a prompt is read: the first that is there."""

    def alike(self, prompt: str) -> Hashable:  # noqa: ARG002 - for a family whose prompts are of several kinds
        """What rows of a batch have in common beside their `Share`."""
        return None

    def accepts(self, pipe: Any) -> dict[str, Any]:
        """Arguments of a call, with their defaults."""
        return parameters(pipe.__call__)

    def arguments(self, model: DiffusersModel, accepts: Collection[str], distilled: bool) -> dict[str, Any]:
        """Arguments shared by all orders. Those that the pipeline lacks and that are no convenience make the entry invalid."""
        wanted: dict[str, Any] = {
            "num_inference_steps": model.steps,
            "guidance_scale": model.guidance_scale,
            "width": model.width,
            "height": model.height,
            "_auto_resize": False,
            "use_resolution_binning": False,
            "output_type": "np",
        }
        if "true_cfg_scale" in accepts and not distilled:
            wanted["true_cfg_scale"] = wanted.pop("guidance_scale")
        elif model.guidance_scale <= 1 and "guidance_scale" not in accepts:
            wanted.pop("guidance_scale")  # guidance is off
        if model.guidance_scale > 1 and not distilled and (model.negative_prompt or self.empty_negative):
            wanted["negative_prompt"] = model.negative_prompt
        if not self.paints_text(accepts) and "width" not in accepts:
            del wanted["width"], wanted["height"]  # sources come in the size of the picture
        return wanted

    def paints_text(self, accepts: Collection[str]) -> bool:
        """Whether a prompt alone is enough."""
        return "width" in accepts or "image" not in accepts

    def paints_edits(self, accepts: Collection[str]) -> bool:
        """Whether it takes a source picture."""
        return "image" in accepts

    def sources(self, pictures: Sequence[Image.Image]) -> dict[str, Any]:
        """Arguments of a batch's source pictures."""
        return {"image": list(pictures)}

    def prompts(self, prompts: Sequence[str], edits: bool) -> dict[str, Any]:  # noqa: ARG002 - a family marks the source's place
        """Arguments of a batch's prompts."""
        return {"prompt": list(prompts)}

    def run(self, pipe: Any, call: dict[str, Any]) -> Any:
        """The pipeline's output."""
        return pipe(**call)

    def prepare(self, pipe: Any, model: DiffusersModel) -> None:
        """Settings of the entry that are no arguments of a call."""

    def distilled(self, pipe: Any) -> bool:
        """Whether the model is guidance-distilled: guidance is an input, and classifier-free guidance must not be applied."""
        transformer = getattr(getattr(pipe, "transformer", None), "config", {})
        unet = getattr(getattr(pipe, "unet", None), "config", {})
        return bool(transformer.get("guidance_embeds")) or unet.get("time_cond_proj_dim") is not None

    def multiple(self, pipe: Any) -> int:
        """What the sides of a picture are multiples of, in pixels."""
        return lcm(self.cell * getattr(pipe, "vae_scale_factor", 1), self.least)

    def faults(self, pipe: Any, model: DiffusersModel) -> Iterator[str]:
        """What the entry says that this pipeline would not honour: field, value, and what to do."""
        if model.negative_prompt and self.distilled(pipe):
            yield "negative_prompt: guidance is distilled into this model, which takes none; set it to ''"
        step = self.multiple(pipe)
        for name, side in (("width", model.width), ("height", model.height)):
            if side % step:
                near = " or ".join(str(each) for each in (side - side % step, side + step - side % step) if each)
                yield f"{name}: {side}: {type(pipe).__name__} paints sides that are multiples of {step}; set it to {near}"


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """Parameters of a function, with their defaults."""
    return {name: each.default for name, each in inspect.signature(function).parameters.items()}
