"""Models behind servers that speak OpenAI's images API."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from trig.params.models.entry import Entry, undecided
from trig.params.serving import Remote, Variable
from trig.params.values import Call, Endpoint, at_most

GIVEN = {"prompt": "prompts", "image": "sources", "seed": "seed", "model": "model", "n": "generate", "stream": "generate"}
"""Arguments of a request that something else decides, with what decides them."""


class ServedModel(Entry, Remote):
    """A model behind one or several servers: images/generations, and images/edits where it edits."""

    COMPUTES: ClassVar[bool] = False
    UNDECIDING: ClassVar[frozenset[str]] = Entry.UNDECIDING | {"endpoints", "key", "concurrency", "timeout", "retries", "price"}
    NEUTRAL: ClassVar[dict[str, Any]] = {"call": {}, "seed": False, "edits": False}

    backend: Literal["openai"]
    endpoints: list[Endpoint] = Field(min_length=1)  # such as https://api.openai.com/v1
    key: Variable | None  # environment variable with the API key
    edits: bool  # whether it takes a picture to edit, or of a subject
    seed: bool  # whether it takes a seed
    call: Call  # further arguments of a request, such as quality; size in place of WIDTHxHEIGHT; null leaves one out
    price: Annotated[float, Field(ge=0), at_most(1_000, "in US dollars per picture")] | None  # for `trig generate --dry-run`

    def told(self) -> dict[str, Any]:
        """All but how and where the servers are reached."""
        return self.model_dump(exclude={"endpoints", "key", "concurrency", "timeout", "retries", "price"})

    @property
    def origin(self) -> str:
        """Model and first server."""
        return f"{self.model or 'the only one listed'} at {self.endpoints[0]}"

    @model_validator(mode="after")
    def _calls_with_what_it_does_not_decide_itself(self) -> Self:
        undecided(self.call, GIVEN)
        return self
