"""The section `annotators`: language models that write prompts, describe pictures and check."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from trig.params.serving import Serving, Variable
from trig.params.values import Endpoint, at_most

PRESETS = Literal["openai", "deepseek", "vllm", "custom"]
"""Entries of trig/llm/providers.yaml."""
Json = Literal["schema", "object", "none"]
"""What holds an answer to its shape besides the prompt: a JSON schema, JSON of any shape, or nothing."""
Limit = Literal["max_completion_tokens", "max_tokens"]
"""Parameter names of the limit on tokens of an answer."""


class Overrides(TypedDict, total=False):
    """Capabilities of a provider that differ from its preset."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    json: Json
    strict: bool  # a schema may hold only what strict mode takes
    no_thinking: dict[str, Any]  # request fields that switch thinking off
    temperature: bool
    seed: bool
    vision: bool
    limit: Limit
    models: str | None  # route that lists the models; null: there is none
    spent: list[str]  # statuses and error codes of an account without credit


class AnnotatorModel(Serving):
    """A language model behind OpenAI-compatible servers of a provider."""

    provider: PRESETS
    endpoints: Annotated[list[Endpoint], Field(min_length=1)] | None  # null: the preset's
    key: Variable | None  # environment variable with the API key; null: the preset's
    temperature: Annotated[float, Field(ge=0), at_most(2, "no server takes more")] | None  # null: the server's default
    seed: Annotated[int, Field(ge=0), at_most(2**63 - 1, "servers take seeds of 63 bits")] | None
    longest: Annotated[
        int, Field(ge=1), at_most(1_000_000, "no model answers at such length")
    ]  # most tokens of an answer, thinking included
    max_failures: Annotated[
        int, Field(ge=0), at_most(1_000_000_000, "no run has so many questions")
    ]  # more questions without an answer stop the stage at once; refusals for good are answers
    max_unanswered: Annotated[
        int, Field(ge=0), at_most(1_000_000_000, "no run has so many questions")
    ]  # more questions that nobody answered fail the stage at its end; so many are rejected drafts
    overrides: Overrides  # {}: the provider can what its preset says
