"""Facts from frames, and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TypeVar

import polars as pl
from pydantic import BaseModel, TypeAdapter

Fact = TypeVar("Fact")


def fitted(kind: type[Fact], values: Sequence[Mapping[str, object]]) -> list[Fact]:
    """Rows as facts of this kind; what the kind does not name is left out."""
    return TypeAdapter(list[kind]).validate_python(values)  # type: ignore[valid-type]


def rows(kind: type[Fact], frame: pl.DataFrame) -> list[Fact]:
    """Rows of a frame as facts of this kind."""
    return fitted(kind, frame.to_dicts())


def columns(kind: type[Fact], frame: pl.DataFrame) -> Fact:
    """Columns of a frame, each as a list, as facts of this kind: those that the kind names."""
    return TypeAdapter(kind).validate_python({name: frame[name].to_list() for name in kind.__annotations__})


def as_json(value: object) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: object) -> object:
    """A dataclass or a section of parameters as JSON values."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} is no fact")
