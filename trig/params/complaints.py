"""Validation errors of params.yaml, as one line."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

UNSAID = {
    "key": "name the environment variable that holds the key, such as OPENAI_API_KEY; the key itself stands in no file",
    "endpoints": "give addresses such as http://127.0.0.1:8000/v1, without a user or a password",
}
"""Remedy for fields whose value may be a secret and is not echoed."""


def complaint(
    error: ValidationError,
    root: type[BaseModel],
    named: Mapping[str, type[BaseModel]],
    backends: Mapping[str, Mapping[str, type[BaseModel]]],
    said: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """First validation error, as `key: value: error and remedy`. `named`: entry models of sections with free keys; `backends`: those by backend;
    `said`: the file.
    """
    found = error.errors(include_url=False)
    origins = _origins(found, said)
    first = min(
        found, key=lambda one: (one["type"] == "missing", one["loc"][:2] not in origins)
    )  # a misspelt key is both unknown and missing
    unknown, (*above, last) = first["type"] == "extra_forbidden", first["loc"] or ("",)
    parts = [part for part in map(str, above) if not part.startswith("[")]  # which are no keys: pydantic's marks, and tags
    loc = (*parts, *([str(last)] if unknown or not str(last).startswith("[") else []))
    entry = backends[loc[0]].get(loc[2]) if len(loc) > 2 and loc[0] in backends else None
    loc = loc[:2] + loc[3:] if entry else loc  # drop the discriminator tag, which is not in the file
    key = ".".join(loc)
    if unknown:
        return f"{key}: unknown key{_suggestion(loc, root, {**named, **({loc[0]: entry} if entry else {})})}"
    if first["type"] == "missing":
        return f"{key}: missing; every parameter must be given"
    if first["type"] == "union_tag_not_found":
        return f"{key}.backend: missing; every parameter must be given"
    if first["type"] == "union_tag_invalid":
        return f"{key}.backend: {first['ctx']['tag']!r}: input should be {first['ctx']['expected_tags'].replace(', ', ' or ')}"
    if (entry or loc[:1] == ("annotators",)) and (advice := next((UNSAID[part] for part in loc if part in UNSAID), None)):
        return f"{key}: {advice}"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"{key}: {message}" if key else message
    return f"{key}: {first['input']!r}: {message[0].lower()}{message[1:]}"


def _origins(found: Sequence[Any], said: Mapping[str, Any]) -> set[tuple[Any, ...]]:
    """Places of errors that come from no other: an entry has the errors of the one that it extends too."""
    places = {one["loc"][:2] for one in found}

    def base(place: tuple[Any, ...]) -> tuple[Any, ...] | None:
        entries = said.get(place[0]) if place else None
        entry = entries.get(place[1]) if isinstance(entries, Mapping) and len(place) > 1 else None
        of = entry.get("extends") if isinstance(entry, Mapping) else None
        return (place[0], of) if of is not None else None

    return {place for place in places if base(place) not in places - {place}}


def _suggestion(loc: tuple[str, ...], root: type[BaseModel], named: Mapping[str, type[BaseModel]]) -> str:
    """Did-you-mean suggestion for an unknown key."""
    section: object = root
    for part in loc[:-1]:
        fields = section.model_fields if isinstance(section, type) and issubclass(section, BaseModel) else {}
        section = _section(fields[part].annotation) if part in fields else named.get(loc[0])
    known = list(section.model_fields) if isinstance(section, type) and issubclass(section, BaseModel) else []
    close = get_close_matches(loc[-1], known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}" if known else ""


def _section(annotation: object) -> object:
    """The model of a section, unwrapped from `Optional`."""
    return next((part for part in get_args(annotation) if isinstance(part, type) and issubclass(part, BaseModel)), annotation)
