"""Constrained parameter types: shares, names, paths, and numbers with upper bounds and their reasons."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
"""Path component and DVC stage name; no dot, which DVC reads as a nested key."""


def at_most(most: float, why: str) -> AfterValidator:
    """Upper-bound validator whose message gives the reason."""

    def bounded(value: float) -> float:
        if value > most:
            raise ValueError(f"{value!r} is more than {most:,}: {why}")
        return value

    return AfterValidator(bounded)


def _quotable(place: str) -> str:
    """Validator: a path that is safe in single quotes in a dvc.yaml command."""
    if not place.strip():
        raise ValueError(f"{place!r}: give a path")
    if place.startswith("-") or any(character == "'" or not character.isprintable() for character in place):
        raise ValueError(f"{place!r}: a path may not begin with -, nor hold a single quote or a line break; rename it, or begin with ./")
    return place


Place = Annotated[str, AfterValidator(_quotable)]
"""File or folder path, safe in single quotes in a dvc.yaml command."""


TaskName = Literal["t2i", "p2p", "s2p"]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
HUB = "hub:"
_PINNED = re.compile(r"hub:(?P<repository>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})")


def hub(weights: str) -> tuple[str, str] | None:
    """Repository and commit of `hub:owner/name@commit`; None for a path."""
    pinned = _PINNED.fullmatch(weights)
    return (pinned["repository"], pinned["commit"]) if pinned else None


def _loadable(weights: str) -> str:
    """Validator: a path, or a repository of the Hugging Face hub at a commit."""
    if not weights.startswith(HUB) or hub(weights):
        return _quotable(weights)
    repository, _, revision = weights.removeprefix(HUB).partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"{weights!r} names no repository; write hub:owner/name@commit")
    wrong = f"{revision!r} is no commit, and a name may move" if revision else "it is not pinned"
    raise ValueError(
        f"{weights!r}: {wrong}; write {HUB}{repository}@ and the 40 digits that"
        f" `git ls-remote https://huggingface.co/{repository} {revision or 'main'}` prints, or the page of its files shows"
    )


Weights = Annotated[str, AfterValidator(_loadable)]
"""Folder of weights, or `hub:owner/name@commit`."""
Dtype = Literal["float32", "bfloat16", "float16"]
AnyDtype = Literal["float32", "bfloat16", "float16", "auto"]
"""auto: bfloat16 where the device multiplies in it, float32 elsewhere."""
Value = bool | int | float | str | list[int] | None
Call = dict[str, Value]
"""Further arguments of a pipeline, by their names there."""


def _reachable(url: str) -> str:
    """Validator: a URL with a host, and a valid port if any."""
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0:
            return url
    except ValueError:
        pass
    raise ValueError(f"{url!r} is no address; write one such as http://127.0.0.1:8000/v1")


Endpoint = Annotated[str, StringConstraints(pattern=r"^https?://[^@\s]+$"), AfterValidator(_reachable)]
AT_ONCE = at_most(1_000_000, "no machine takes so many together")
Batch = Annotated[int, Field(ge=1), AT_ONCE]
Pixels = Annotated[int, Field(ge=16, multiple_of=8), at_most(16_384, "a larger picture does not fit in memory")]
Prompts = at_most(100_000, "the prompts of all subsets are in memory together")
Points = Annotated[int, Field(ge=1), at_most(1_000_000, "no pair has so many prompts")]
Dollars = Annotated[float, Field(ge=0), at_most(1_000_000, "in US dollars per million tokens")]
