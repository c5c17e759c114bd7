"""YAML 1.2, as DVC reads and writes it: 1e-05 is a number in YAML 1.2 and a string in 1.1."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError


class NotationError(ValueError):
    """Invalid YAML; a one-line message with the position."""


def read(text: str) -> Any:
    """Parse YAML 1.2 with DVC's parser; a byte order mark is skipped. Raises NotationError, also for duplicate keys."""
    try:
        return YAML(typ="safe").load(text.removeprefix("\ufeff"))
    except YAMLError as error:
        raise NotationError(_line(error)) from None
    except ValueError:
        raise NotationError(
            "a date or a number is none, such as 2024-13-45, or has thousands of digits; put it in quotes, or correct it"
        ) from None


def _line(error: YAMLError) -> str:
    if not isinstance(error, MarkedYAMLError) or error.problem is None:
        return " ".join(str(error).split())
    mark = error.problem_mark or error.context_mark
    what = error.problem.partition(" with value ")[0]  # of a duplicate key: the values may be secrets
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{place}{' '.join(what.split())}"
