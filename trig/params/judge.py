"""The sections `judges` and `judge`."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from trig.params.section import Section
from trig.params.serving import Serving, Variable
from trig.params.values import Batch, Endpoint, Name, Place, Share, at_most
from trig.scales import Scale, scale


class LocalJudge(Section):
    """A judge that runs in this process."""

    backend: Literal["transformers"]
    weights: Place
    needs: Place  # DVC dependency: the weights

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.needs != self.weights:
            raise ValueError(f"needs: {self.needs!r} is not its weights {self.weights!r}; name what the judge waits for")
        return self


class ServedJudge(Serving):
    """A judge behind OpenAI-compatible servers."""

    backend: Literal["openai"]
    needs: Place  # DVC dependency: the served weights if local, or a file that changes with them
    endpoints: list[Endpoint] = Field(min_length=1)  # such as http://127.0.0.1:8000/v1
    key: Variable | None  # environment variable with the API key


JudgeModel = Annotated[LocalJudge | ServedJudge, Field(discriminator="backend")]
JUDGES: dict[str, type[Section]] = {"transformers": LocalJudge, "openai": ServedJudge}


class Judging(Section):
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
