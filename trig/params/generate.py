"""The sections `models` and `generate`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from trig.params.section import Section
from trig.params.values import HUB, Batch, Call, Dtype, Name, Pixels, Place, Weights, at_most

NEUTRAL: dict[str, Any] = {"pipeline": "auto", "scheduler": None, "dtype": "float32", "call": {}}
"""Values with which a pipeline paints as if the field were not there: these do not enter the content key of a picture."""
PLACES = {"weights", "adapter", "needs", "extends"}
"""Fields that say where an entry comes from: contents and commits enter the key, and not these."""
PINNED_IN = "params.yaml"
GIVEN = {
    "prompt": "prompts", "image": "sources", "generator": "seed", "num_inference_steps": "steps", "guidance_scale": "guidance_scale",
    "negative_prompt": "negative_prompt", "width": "width", "height": "height", "output_type": "images",
}  # fmt: skip
"""Arguments of a pipeline that something else decides, with what decides them."""


class Model(Section):
    """An entry of `models`, resolved."""

    extends: Name | None  # the entry of `models` or of the zoo that it takes all else from
    backend: Literal["diffusers"]
    pipeline: str  # class in diffusers; auto: the one that the weights name
    weights: Weights
    adapter: Place | None
    needs: Place  # DVC dependency: the weights, the adapter that a stage writes, or params.yaml where a commit is the dependency
    scheduler: str | None  # class in diffusers; null: the one that comes with the weights
    dtype: Dtype
    call: Call  # further arguments of the pipeline
    steps: Annotated[int, Field(ge=1), at_most(10_000, "no sampler gains by so many steps")]
    guidance_scale: Annotated[float, Field(ge=0), at_most(1_000, "no picture is left of so much guidance")]  # ≤ 1: no guidance
    negative_prompt: str
    width: Pixels
    height: Pixels

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.adapter is None and self.weights.startswith(HUB):
            if self.needs != PINNED_IN:
                raise ValueError(
                    f"needs: {self.needs!r}: weights of the hub change with their commit only; name {PINNED_IN}, where it stands"
                )
        elif self.needs != (self.adapter or self.weights):
            loads = "adapter" if self.adapter else "weights"
            raise ValueError(f"needs: {self.needs!r} is not its {loads} {self.adapter or self.weights!r}; name what the model waits for")
        return self

    @model_validator(mode="after")
    def _calls_with_what_it_does_not_decide_itself(self) -> Self:
        if twice := sorted(self.call.keys() & GIVEN.keys()):
            raise ValueError(f"call: {twice[0]!r} is decided by {GIVEN[twice[0]]!r}; leave it out here")
        return self

    @model_validator(mode="after")
    def _guides_away(self) -> Self:
        if self.negative_prompt and self.guidance_scale <= 1:
            raise ValueError(
                f"negative_prompt: nothing guides away from it where guidance_scale is {self.guidance_scale:g}; set it to '', or raise guidance_scale"
            )
        return self

    def decides(self) -> dict[str, Any]:
        """What decides a picture beside weights and adapter, for its content key."""
        given = self.model_dump(exclude=PLACES)
        return {name: value for name, value in given.items() if name not in NEUTRAL or value != NEUTRAL[name]}


class Generate(Section):
    """Models to generate with, and how."""

    roster: list[Name] = Field(min_length=1)
    batch_size: Batch
    engine_in_key: bool  # library versions are part of the cache key
