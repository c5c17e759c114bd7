"""The model zoo as data, zoo.yaml, and entries of `models` that extend it or each other."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, TypeAdapter, model_validator

from trig.errors import ParamsError
from trig.notation import read
from trig.params.extends import Catalogue
from trig.params.models import MODELS
from trig.params.options import Options
from trig.params.section import Section
from trig.params.serving import Remote, Variable
from trig.params.values import HUB, Call, Commit, Dtype, Endpoint, Pixels

JOINED = ("call", "options")
"""Fields whose own values stand beside the inherited ones."""

UNTRAINED = "no family here trains its pipeline"
"""Why nothing trains a system that is not `trained`."""


class System(Section):
    """An entry of the zoo: what is known of a system, and what an entry of `models` inherits."""

    repository: str | None  # of the Hugging Face hub
    revision: Commit | None  # null: the user pins it before the model paints
    dtype: Dtype | None  # null: nothing is loaded
    width: Pixels
    height: Pixels
    tasks: Annotated[list[Literal["t2i", "p2p", "s2p"]], Field(min_length=1)]
    billions: float | None  # parameters of all networks, in billions; null: not told
    licence: str
    gated: bool  # the repository wants a token of an account that has accepted its terms
    source: str
    trained: bool  # adapters can be trained for it here: a family knows its pipeline
    unavailable: str | None  # why no painter here runs it, and what it would take


class DiffusersSystem(System):
    """A system that diffusers loads, or nothing here."""

    backend: Literal["diffusers"]
    pipeline: str | None  # class in diffusers; null: it has none
    scheduler: str | None  # class in diffusers; null: the repository's
    adapter: None
    steps: int | None
    guidance_scale: float | None
    negative_prompt: str
    call: Call
    options: Options
    wants: str | None  # an option that an entry has to set

    @model_validator(mode="after")
    def _can_be_loaded(self) -> Self:
        if self.unavailable is None and None in (self.pipeline, self.repository, self.steps, self.guidance_scale):
            raise ValueError("give pipeline, repository, steps and guidance_scale, or say why it is unavailable")
        return self


class TransformersSystem(System):
    """A system that transformers loads."""

    backend: Literal["transformers"]
    guidance_scale: float
    temperature: float


class ServedSystem(System, Remote):
    """A system behind an API."""

    backend: Literal["openai"]
    endpoints: list[Endpoint]
    key: Variable | None
    edits: bool
    seed: bool
    call: Call
    price: float | None


AnySystem: TypeAlias = DiffusersSystem | TransformersSystem | ServedSystem


@cache
def _file() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(files("trig.params").joinpath("zoo.yaml").read_text("utf-8"))
    return found


@cache
def systems() -> Mapping[str, AnySystem]:
    """The zoo, by name."""
    read_as: TypeAdapter[AnySystem] = TypeAdapter(Annotated[AnySystem, Field(discriminator="backend")])
    return {name: read_as.validate_python(_whole(entry)) for name, entry in _file()["zoo"].items()}


def pipelines() -> dict[str, DiffusersSystem]:
    """Systems of the zoo that diffusers loads, or nothing here."""
    return {name: system for name, system in systems().items() if isinstance(system, DiffusersSystem)}


def _whole(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the zoo with what it need not say."""
    defaults = _file()["defaults"]
    own = defaults["every"] | entry
    found: dict[str, Any] = defaults["every"] | defaults[own["backend"]] | entry
    return found


def _of_the_zoo(name: str, field: str) -> dict[str, Any]:
    system = systems()[name]
    if system.unavailable:
        raise ParamsError(f"{field}: {name!r} is unavailable: {system.unavailable}")
    weights = {"weights": f"{HUB}{system.repository}" + (f"@{system.revision}" if system.revision else "")} if system.repository else {}
    told = system.model_dump() | ({"options": system.options.said()} if isinstance(system, DiffusersSystem) else {})
    return {key: value for key, value in told.items() if key in MODELS[system.backend].model_fields} | weights


def _completed(inherited: dict[str, Any], own: Mapping[Any, Any]) -> dict[Any, Any]:
    """An entry with what it inherits; further arguments of the pipeline are joined. Raises ValueError for another backend."""
    backend = own.get("backend")
    if "backend" not in inherited:
        return {**(_file()["local"].get(backend, {}) if isinstance(backend, str) else {}), **inherited, **own}
    if backend is not None and backend != inherited["backend"]:
        raise ValueError(f"backend: {backend!r} is not {inherited['backend']!r}, that of {own['extends']}, which it extends; leave it out")
    return {**inherited, **own, **{name: _joined(inherited[name], own[name]) for name in JOINED if name in inherited and name in own}}


def _joined(base: Any, own: Any) -> Any:
    """The base's values with the entry's own in their places; what is no mapping stays for the validation to refuse."""
    return {**base, **own} if isinstance(base, Mapping) and isinstance(own, Mapping) else own


ZOO = Catalogue("models", "the zoo", systems, _of_the_zoo, _completed)
"""What entries of `models` can extend."""
