"""The sections `models` and `generate`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trig.params.section import Section
from trig.params.values import Batch, Name, Pixels, Place, at_most


class Model(Section):
    """An entry of the model zoo."""

    backend: Literal["diffusers"]
    weights: Place
    adapter: Place | None
    needs: Place  # DVC dependency: the weights, or the adapter that a stage writes
    steps: Annotated[int, Field(ge=1), at_most(10_000, "no sampler gains by so many steps")]
    guidance_scale: Annotated[float, Field(ge=0), at_most(1_000, "no picture is left of so much guidance")]  # ≤ 1: no guidance
    negative_prompt: str
    width: Pixels
    height: Pixels

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.needs != (self.adapter or self.weights):
            loads = "adapter" if self.adapter else "weights"
            raise ValueError(f"needs: {self.needs!r} is not its {loads} {self.adapter or self.weights!r}; name what the model waits for")
        return self

    @model_validator(mode="after")
    def _guides_away(self) -> Self:
        if self.negative_prompt and self.guidance_scale <= 1:
            raise ValueError(
                f"negative_prompt: nothing guides away from it where guidance_scale is {self.guidance_scale:g}; set it to '', or raise guidance_scale"
            )
        return self


class Generate(Section):
    """Models to generate with, and how."""

    roster: list[Name] = Field(min_length=1)
    batch_size: Batch
    engine_in_key: bool  # library versions are part of the cache key
