"""Judge presets as data, judges.yaml, and entries of `judges` that extend them or each other."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from trig.notation import read
from trig.params.extends import OWN, Catalogue
from trig.params.judge import JUDGES, Device, ServedJudge
from trig.params.section import Section
from trig.params.serving import Price, Variable
from trig.params.values import HUB, Commit, Dtype, Endpoint


class Preset(Section):
    """A judge preset."""

    backend: Literal["openai", "transformers"]  # an entry may say the other where there is a repository
    model: str  # as its server calls it
    repository: str | None  # of the Hugging Face hub; null: a hosted model
    revision: Commit | None  # null: the user pins it
    endpoints: list[Endpoint]
    key: Variable | None
    concurrency: int
    timeout: float
    retries: int
    price: Price | None
    serve: list[str]  # vLLM's arguments
    dtype: Dtype
    device_map: Device | None
    billions: float | None  # parameters, in billions; null: not told
    licence: str
    source: str


@cache
def _file() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(files("trig.params").joinpath("judges.yaml").read_text("utf-8"))
    return found


@cache
def presets() -> Mapping[str, Preset]:
    """The presets, by name."""
    return {name: Preset.model_validate(_file()["defaults"] | entry) for name, entry in _file()["presets"].items()}


def served(name: str) -> ServedJudge:
    """A preset as an entry of its own, for the command that starts its server."""
    entry = {"extends": name, "backend": "openai", "needs": "params.yaml"}
    return ServedJudge.model_validate(PRESETS.resolved({"preset": entry}, "")["preset"])


def _inherited(name: str, field: str) -> dict[str, Any]:  # noqa: ARG001 - every preset can be run
    preset = presets()[name]
    weights = f"{HUB}{preset.repository}" + (f"@{preset.revision}" if preset.revision else "") if preset.repository else None
    return preset.model_dump() | {"weights": weights, "pinned": preset.revision is not None}


def _completed(inherited: dict[str, Any], own: Mapping[Any, Any]) -> dict[Any, Any]:
    """An entry with what it inherits, as far as its backend has such fields. A server may be asked without knowing its commit."""
    backend = own.get("backend", inherited.get("backend"))
    section = JUDGES.get(backend) if isinstance(backend, str) else None
    if section is None:
        return {**inherited, **own}
    if section is ServedJudge and inherited.get("pinned") is False:
        inherited = {**inherited, "weights": None}
    fitting = {name: value for name, value in inherited.items() if name in section.model_fields and name != OWN[1]}
    return {"extends": None, **_file()["local"][str(backend)], **fitting, **own}


PRESETS = Catalogue("judges", "the presets", presets, _inherited, _completed)
"""What entries of `judges` can extend."""
