"""The sections `judges` and `judge`."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from trig.params.section import Section
from trig.params.values import Batch, Dollars, Endpoint, Name, Place, Share, at_most
from trig.scales import Scale, scale


class LocalJudge(Section):
    """A judge of the zoo that runs in this process."""

    backend: Literal["transformers"]
    weights: Place
    needs: Place  # the folder `dvc` waits for before this judge is asked: its weights

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.needs != self.weights:
            raise ValueError(f"needs: {self.needs!r} is not its weights {self.weights!r}; name what the judge waits for")
        return self


class Price(Section):
    """What an endpoint asks for its work, in US dollars per million tokens."""

    prompt: Dollars
    completion: Dollars


class ServedJudge(Section):
    """A judge of the zoo behind servers that speak OpenAI's protocol."""

    backend: Literal["openai"]
    needs: Place  # a file or folder that changes when what is served changes: the served weights, where they lie here
    endpoints: list[Endpoint] = Field(min_length=1)  # such as http://127.0.0.1:8000/v1
    model: str | None  # the name it is served under; null: the only one there is
    key: Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]*$")] | None  # the environment variable that holds the key
    concurrency: Annotated[
        int, Field(ge=1), at_most(10_000, "each question under way holds a connection")
    ]  # most questions under way at one endpoint
    timeout: Annotated[float, Field(gt=0), at_most(86_400, "an answer that takes more than a day does not come")]  # seconds for one answer
    retries: Annotated[int, Field(ge=0), at_most(1_000, "a server that fails so often does not answer")]
    price: Price | None


JudgeModel = Annotated[LocalJudge | ServedJudge, Field(discriminator="backend")]
JUDGES: dict[str, type[Section]] = {"transformers": LocalJudge, "openai": ServedJudge}


class Judging(Section):
    """Who judges, and how."""

    name: Name
    batch_size: Batch
    engine_in_key: bool  # whether answers of other versions of the libraries are other answers; a served judge's always are
    dimensions: Literal["pair", "all"]
    mode: Literal["logprobs", "sampled"]
    samples: Annotated[int, Field(ge=2), at_most(10_000, "each is asked and paid for")]  # answers to each question, when they are sampled
    scale: Annotated[Scale, BeforeValidator(scale)]  # the name of one, or its grades, worst to best
    reference_image: Literal["source", "none"]  # whether the judge sees the picture that was edited, or the subject
    max_pixels: Annotated[
        int, Field(ge=1), at_most(178_956_970, "no larger picture is read")
    ]  # larger pictures are made smaller before the judge sees them
    max_off_mass: Share
    max_failures: Annotated[
        int, Field(ge=0), at_most(1_000_000_000, "no run has so many questions")
    ]  # more questions without an answer stop the stage
