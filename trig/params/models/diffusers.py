"""Models that diffusers loads."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from trig.params.models.entry import Entry, undecided
from trig.params.models.weights import waits_for
from trig.params.options import Options, scaled
from trig.params.values import AnyDtype, Call, Place, Weights, at_most

GIVEN = {
    "prompt": "prompts", "image": "sources", "generator": "seed", "num_inference_steps": "steps", "guidance_scale": "guidance_scale",
    "negative_prompt": "negative_prompt", "width": "width", "height": "height", "output_type": "images",
}  # fmt: skip
"""Arguments of a pipeline that something else decides, with what decides them."""


class DiffusersModel(Entry):
    """A pipeline of diffusers, with an optional adapter."""

    UNDECIDING: ClassVar[frozenset[str]] = Entry.UNDECIDING | {"weights", "adapter"}  # contents and commits enter the key, and not these
    NEUTRAL: ClassVar[dict[str, Any]] = {
        "pipeline": "auto", "scheduler": None, "dtype": "float32", "call": {}, "options": {}, "scale": 1.0
    }  # fmt: skip

    backend: Literal["diffusers"]
    pipeline: str  # class in diffusers; auto: the one that the weights name
    weights: Weights
    adapter: Place | None  # folder of a LoRA adapter, or folder@scale
    scheduler: str | None  # class in diffusers; null: the one that comes with the weights
    dtype: AnyDtype
    call: Call  # further arguments of the pipeline
    options: Options
    steps: Annotated[int, Field(ge=1), at_most(10_000, "no sampler gains by so many steps")]
    guidance_scale: Annotated[float, Field(ge=0), at_most(1_000, "no picture is left of so much guidance")]  # ≤ 1: no guidance
    negative_prompt: str

    @property
    def loads(self) -> str | None:
        """The weights."""
        return self.weights

    @property
    def origin(self) -> str:
        """Weights and adapter."""
        return f"{self.weights} + {self.adapter}" if self.adapter else self.weights

    def decides(self) -> dict[str, Any]:
        """What decides a picture beside weights and adapter, for its content key."""
        scale = scaled(self.adapter)[1] if self.adapter else 1.0
        given = {**self.model_dump(exclude=set(self.UNDECIDING)), "options": self.options.decides(), "scale": scale}
        return {name: value for name, value in given.items() if name not in self.NEUTRAL or value != self.NEUTRAL[name]}

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.prompting is not None:
            return self  # waits for its prompts, and these for what paints them
        if self.adapter is None:
            waits_for(self.needs, self.weights)
        elif self.needs != scaled(self.adapter)[0]:
            raise ValueError(f"needs: {self.needs!r} is not its adapter {self.adapter!r}; name what the model waits for")
        return self

    @model_validator(mode="after")
    def _calls_with_what_it_does_not_decide_itself(self) -> Self:
        undecided(self.call, GIVEN)
        return self

    @model_validator(mode="after")
    def _guides_away(self) -> Self:
        if self.negative_prompt and self.guidance_scale <= 1:
            raise ValueError(
                f"negative_prompt: nothing guides away from it where guidance_scale is {self.guidance_scale:g}; set it to '', or raise guidance_scale"
            )
        return self
