"""The sections `judges` and `judge`."""

from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from trig.params.executing import Executing
from trig.params.models.entry import PINNED_IN
from trig.params.section import Section
from trig.params.serving import Serving, Variable
from trig.params.values import HUB, Batch, Dtype, Endpoint, Name, Place, Share, Weights, at_most
from trig.scales import Scale, scale

Device = Annotated[str, StringConstraints(pattern=r"^(auto|cpu|mps|cuda(:\d+)?|xpu(:\d+)?)$")]
"""A torch device, or auto: all GPUs together."""
ANY_ANSWER = {"extends", "device_map", "key", "concurrency", "timeout", "retries", "price", "serve"}
"""Fields that decide no answer."""


class Entry(Section):
    """What all entries of `judges` have."""

    extends: str | None  # the entry of `judges` or the preset that it takes all else from
    weights: Weights | None
    needs: Place  # DVC dependency: the weights if local, a file that changes with them, or params.yaml where a commit or a name is the dependency

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.weights and self.weights.startswith(HUB):
            if self.needs != PINNED_IN:
                raise ValueError(
                    f"needs: {self.needs!r}: weights of the hub change with their commit only; name {PINNED_IN}, where it stands"
                )
        elif self.weights and self.needs != self.weights:
            raise ValueError(f"needs: {self.needs!r} is not its weights {self.weights!r}; name what the judge waits for")
        return self

    @property
    def loads(self) -> str | None:
        """What identifies the judge: weights of the hub, else what it needs; None where the name of a hosted model says it all."""
        hosted = self.weights or self.needs
        return None if hosted == PINNED_IN else hosted

    def decides(self) -> dict[str, Any]:
        """What may decide an answer."""
        return self.model_dump(exclude=ANY_ANSWER)


class LocalJudge(Entry):
    """A judge that runs in this process."""

    backend: Literal["transformers"]
    weights: Weights
    dtype: Dtype  # quantised weights compute in it too
    device_map: Device | None  # null: the GPU where there is one


class ServedJudge(Entry, Serving):
    """A judge behind OpenAI-compatible servers."""

    backend: Literal["openai"]
    serve: list[str]  # arguments of vLLM where `trig serve` starts its server
    endpoints: list[Endpoint] = Field(min_length=1)  # such as http://127.0.0.1:8000/v1
    key: Variable | None  # environment variable with the API key


AnyJudge: TypeAlias = LocalJudge | ServedJudge
JudgeModel = Annotated[AnyJudge, Field(discriminator="backend")]
JUDGES: dict[str, type[Section]] = {get_args(each.model_fields["backend"].annotation)[0]: each for each in get_args(AnyJudge)}


class Judging(Executing):
    """Judge, scale and mode."""

    name: Name
    batch_size: Batch
    engine_in_key: bool  # library versions are part of the cache key; for a served judge always
    dimensions: Literal["pair", "all"]
    mode: Literal["logprobs", "sampled"]
    samples: Annotated[int, Field(ge=2), at_most(10_000, "each is asked and paid for")]  # answers per question in sampled mode
    scale: Annotated[Scale, BeforeValidator(scale)]  # a named scale, or grades from worst to best
    rubrics: Place  # brief, full, or a folder with TASK/DIMENSION.txt of the user's own
    reference_image: Literal["source", "none"]  # whether the judge sees the source image (p2p) or subject (s2p)
    max_pixels: Annotated[
        int, Field(ge=1), at_most(178_956_970, "no larger picture is read")
    ]  # larger images are downscaled before the judge sees them
    max_off_mass: Share
    max_failures: Annotated[
        int, Field(ge=0), at_most(1_000_000_000, "no run has so many questions")
    ]  # more unanswered questions stop the stage
