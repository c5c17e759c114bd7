"""YAML as DVC reads it. DVC writes parameters too, and what it writes must be read back: 1e-05 is a number in YAML 1.2 and a text in 1.1."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError


class NotationError(ValueError):
    """A text is no YAML; the message is one line that says where and why."""


def read(text: str) -> Any:
    """What a text in YAML 1.2 says, by the reader that DVC uses. A byte order mark is read over.

    Raises NotationError, also for a key that stands twice: of two values, one would be lost in silence.
    """
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
    what = error.problem.partition(" with value ")[0]  # of a key that stands twice: the values may be secrets
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{place}{' '.join(what.split())}"
