"""Call arguments of a diffusers pipeline, as far as its signature tells them."""

from collections.abc import Collection
from typing import Any

from trig.params.generate import Model


class Calls:
    """How a pipeline of any family is called; a family overrides what differs."""

    conveniences: frozenset[str] = frozenset({"_auto_resize", "max_sequence_length", "output_type"})
    """Arguments that turn off a pipeline's own resizing, truncation or rounding; dropped where it does not accept them."""

    def arguments(self, model: Model, accepts: Collection[str], distilled: bool) -> dict[str, Any]:
        """Arguments shared by all orders. Those that the pipeline lacks and that are no convenience make the entry invalid."""
        wanted: dict[str, Any] = {
            "num_inference_steps": model.steps,
            "guidance_scale": model.guidance_scale,
            "width": model.width,
            "height": model.height,
            "_auto_resize": False,
            "output_type": "np",
        }
        if "true_cfg_scale" in accepts and not distilled:
            wanted["true_cfg_scale"] = wanted.pop("guidance_scale")
        elif model.guidance_scale <= 1 and "guidance_scale" not in accepts:
            wanted.pop("guidance_scale")  # guidance is off
        if model.guidance_scale > 1 and not distilled and (model.negative_prompt or "negative_prompt" in accepts):
            wanted["negative_prompt"] = model.negative_prompt
        return wanted

    def distilled(self, pipe: Any) -> bool:
        """Whether the model is guidance-distilled: guidance is an input, and classifier-free guidance must not be applied."""
        return bool(getattr(getattr(pipe, "transformer", None), "config", {}).get("guidance_embeds", False))
