"""What the sections of all models behind servers share: judges', annotators' and painters'."""

from typing import Annotated

from pydantic import Field, StringConstraints

from trig.params.section import Section
from trig.params.values import Dollars, at_most

Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]*$")]
"""Name of an environment variable."""


class Price(Section):
    """Price of an endpoint, in US dollars per million tokens."""

    prompt: Dollars
    completion: Dollars


class Remote(Section):
    """A model behind OpenAI-compatible servers."""

    model: str | None  # served model name; null: the only one listed
    concurrency: Annotated[
        int, Field(ge=1), at_most(10_000, "each question under way holds a connection")
    ]  # maximum requests in flight per endpoint
    timeout: Annotated[float, Field(gt=0), at_most(86_400, "an answer that takes more than a day does not come")]  # seconds per answer
    retries: Annotated[int, Field(ge=0), at_most(1_000, "a server that fails so often does not answer")]


class Serving(Remote):
    """A language model behind such servers."""

    price: Price | None
