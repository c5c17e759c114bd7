"""The section `proof`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from trig.params.models.entry import PINNED_IN
from trig.params.section import Section
from trig.params.values import Place, Share, Weights, at_most, hub


class SecondEye(Section):
    """A scorer that reports on tuned models, and chooses nothing for them."""

    weights: Weights | None  # a CLIP model with heads; null: nobody but the judge reports
    needs: Place  # what must be there first: the weights, or params.yaml

    @model_validator(mode="after")
    def _waits_for_them(self) -> Self:
        wanted = self.weights if self.weights and not hub(self.weights) else PINNED_IN
        if self.needs != wanted:
            raise ValueError(f"needs: {self.needs!r}: an eye of {self.weights!r} waits for {wanted}")
        return self


class Proof(Section):
    """What a tuned model has to show, on test prompts."""

    eye: SecondEye
    prompts: Annotated[int, Field(ge=2), at_most(100_000, "each is painted with every seed, by both models")]  # for diversity over seeds
    seeds: Annotated[int, Field(ge=2), at_most(1_000, "each is a picture of every prompt")]
    unchanged: Share  # a dimension whose interval lies within plus or minus this is unchanged
    max_fall: Share  # of the mean of a dimension that is no target
    max_drift: Annotated[
        float, Field(gt=0), at_most(1_000, "no figure moves so far")
    ]  # of the mean of a weight-free figure, in standard deviations of the base's pictures
    max_collapse: Share  # share of the diversity over seeds that may be lost
