"""Autoregressive models that transformers loads."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from trig.params.models.entry import Entry
from trig.params.models.weights import waits_for
from trig.params.values import Dtype, Weights, at_most


class TransformersModel(Entry):
    """A language model that writes picture tokens; how many, and the size of the picture, is in its weights."""

    UNDECIDING: ClassVar[frozenset[str]] = Entry.UNDECIDING | {"weights"}

    backend: Literal["transformers"]
    weights: Weights
    dtype: Dtype
    guidance_scale: Annotated[float, Field(ge=0), at_most(1_000, "no picture is left of so much guidance")]  # 1: no guidance
    temperature: Annotated[float, Field(gt=0), at_most(100, "tokens are as good as uniform")]

    @property
    def loads(self) -> str | None:
        """The weights."""
        return self.weights

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.prompting is None:
            waits_for(self.needs, self.weights)
        return self
