"""Capabilities of chat providers, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter

from trig.notation import read
from trig.params.annotators import AnnotatorModel, Json, Limit


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider can; providers.yaml explains the fields."""

    seen: str  # year and month
    endpoints: list[str]
    key: str | None
    json: Json
    strict: bool
    no_thinking: dict[str, Any]
    temperature: bool
    seed: bool
    vision: bool
    limit: Limit
    models: str | None
    spent: list[str]


@cache
def presets() -> Mapping[str, Provider]:
    """Providers by name."""
    return TypeAdapter(dict[str, Provider]).validate_python(_told())


def provider(entry: AnnotatorModel) -> Provider:
    """The provider of an annotator: its preset, with what the entry overrides."""
    given = {"endpoints": entry.endpoints, "key": entry.key}
    changed = {name: value for name, value in given.items() if value is not None} | entry.overrides
    return TypeAdapter(Provider).validate_python(_told()[entry.provider] | changed)


@cache
def _told() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(files("trig.llm").joinpath("providers.yaml").read_text("utf-8"))
    return found
