"""What each stage reads of params.yaml, as `reads.yaml` names it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trig.notation import read


def keys(file: Path) -> dict[str, list[str]]:
    """Dotted keys by stage; a list may contain lists that several stages share."""
    said: dict[str, list[Any]] = read(file.read_text("utf-8"))
    return {stage: list(_flat(named)) for stage, named in said.items()}


def _flat(named: list[Any]) -> Iterator[str]:
    for each in named:
        yield from _flat(each) if isinstance(each, list) else [each]


def excerpt(said: Mapping[str, Any], named: list[str]) -> dict[str, Any]:
    """Values by dotted key, as params.yaml says them; what it leaves to a default is left out."""
    return {name: found[0] for name in named if (found := _found(said, name))}


def _found(said: Any, name: str) -> list[Any]:
    """The value, if there is one."""
    for part in name.split("."):
        if not isinstance(said, Mapping) or part not in said:
            return []
        said = said[part]
    return [said]
