"""Structured answers: the JSON schema of a shape, its statement in a prompt, and validation of what comes back."""

import json
from collections.abc import Mapping
from functools import cache
from json import JSONDecodeError, JSONDecoder
from typing import Any

from pydantic import BaseModel, ValidationError

NOISE = {"title", "default", "examples"}
"""Keywords of pydantic's schemas that say nothing to a model."""
LIMITS = {
    *("minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
"""Keywords that strict mode does not take."""
LONGEST = 100_000
"""Characters of an answer that is read."""
TOLD = 5
"""Validation errors that are shown."""
DECODER = JSONDecoder(strict=False)
"""Takes line breaks in texts, which models write often."""


@cache
def schema(shape: type[BaseModel], strict: bool) -> dict[str, Any]:
    """JSON schema in which every field is required and no other is allowed; `strict`: without limits on length and range. Not to be changed."""
    found: dict[str, Any] = _plain(shape.model_json_schema(), NOISE | LIMITS if strict else NOISE)
    return found


def _plain(part: Any, dropped: set[str]) -> Any:
    if isinstance(part, list):
        return [_plain(each, dropped) for each in part]
    if not isinstance(part, Mapping):
        return part
    named = {name: part[name] for name in ("properties", "$defs") if name in part}  # these hold names of ours, not keywords
    kept = {name: _plain(value, dropped) for name, value in part.items() if name not in dropped and name not in named}
    kept |= {name: {key: _plain(value, dropped) for key, value in entries.items()} for name, entries in named.items()}
    return kept | {"required": list(kept["properties"]), "additionalProperties": False} if "properties" in kept else kept


def example(shape: type[BaseModel]) -> str:
    """An answer made of the first example of each field, as JSON."""
    return json.dumps({name: (field.examples or [None])[0] for name, field in shape.model_fields.items()}, ensure_ascii=False)


@cache
def stated(shape: type[BaseModel]) -> str:
    """The end of a prompt: what to answer with. Some providers ask for the word json and an example."""
    return (
        f"Answer with one JSON object (json) that follows this JSON schema, and with nothing before or after it:\n"
        f"{json.dumps(schema(shape, strict=False), ensure_ascii=False)}\n"
        f"An example of the form only, about something else:\n{example(shape)}"
    )


def read(text: str, shape: type[BaseModel]) -> BaseModel:
    """The answer in a text, validated; reasoning, fences and words around it are skipped. Raises ValueError that says what is wrong."""
    try:
        return shape.model_validate_json(_object(text.rpartition("</think>")[2]))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)[:TOLD]
        raise ValueError("; ".join(f"{'.'.join(map(str, each['loc'])) or 'the answer'}: {each['msg']}" for each in found)) from None


def _object(text: str) -> str:
    """The first JSON object in a text, rewritten."""
    if len(text) > LONGEST:
        raise ValueError(f"the answer is longer than {LONGEST:,} characters")
    start = text.find("{")
    while start >= 0:
        try:
            return json.dumps(DECODER.raw_decode(text, start)[0])
        except (JSONDecodeError, RecursionError):
            start = text.find("{", start + 1)
    raise ValueError("the answer holds no JSON object")
