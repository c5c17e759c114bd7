"""The model zoo as data, zoo.yaml, and entries of `models` that extend it or each other."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from trig.errors import ParamsError
from trig.notation import read
from trig.params.section import Section
from trig.params.values import HUB, Call, Commit, Dtype, Pixels

PAINTING = (
    "backend", "pipeline", "scheduler", "adapter", "dtype", "steps", "guidance_scale", "negative_prompt", "width", "height", "call",
)  # fmt: skip
"""Fields that an entry of `models` inherits from the zoo; the rest describes the system."""
OWN = ("extends", "needs")
"""Fields that no entry inherits. DVC reads `needs` before anything is resolved."""


class System(Section):
    """An entry of the zoo."""

    backend: Literal["diffusers"]
    pipeline: str | None  # class in diffusers; null: it has none
    repository: str | None  # of the Hugging Face hub
    revision: Commit | None  # null: the user pins it before the model paints
    scheduler: str | None  # class in diffusers; null: the repository's
    adapter: None
    dtype: Dtype
    steps: int | None
    guidance_scale: float | None
    negative_prompt: str
    width: Pixels
    height: Pixels
    call: Call
    tasks: Annotated[list[Literal["t2i", "p2p", "s2p"]], Field(min_length=1)]
    billions: float | None  # parameters of all networks, in billions; null: not told
    licence: str
    gated: bool  # the repository wants a token of an account that has accepted its terms
    source: str
    unavailable: str | None  # why no painter here runs it, and what it would take

    @model_validator(mode="after")
    def _can_be_loaded(self) -> Self:
        if self.unavailable is None and None in (self.pipeline, self.repository, self.steps, self.guidance_scale):
            raise ValueError("give pipeline, repository, steps and guidance_scale, or say why it is unavailable")
        return self


@cache
def _file() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(files("trig.params").joinpath("zoo.yaml").read_text("utf-8"))
    return found


@cache
def systems() -> Mapping[str, System]:
    """The zoo, by name."""
    return {name: System.model_validate(_file()["defaults"] | entry) for name, entry in _file()["zoo"].items()}


def resolved(models: Mapping[Any, Any], file: str) -> dict[Any, Any]:
    """The section `models` of a file with inherited fields filled in. Raises ParamsError for a cycle, an unknown base, or one that nothing paints.

    What is no entry stays as it is, for the validation to refuse.
    """
    return {name: _resolved(name, models, file, ()) if isinstance(entry, Mapping) else entry for name, entry in models.items()}


def _resolved(name: Any, models: Mapping[Any, Any], file: str, via: tuple[Any, ...]) -> dict[Any, Any]:
    """An entry with what it inherits. `via`: the entries that led here."""
    own, field = models[name], f"{file}: models.{name}.extends"
    base = own.get("extends")
    if not isinstance(base, str):
        return {**_file()["local"], "extends": None, **own}
    if base in via:
        raise ParamsError(
            f"{field}: {base!r} extends itself by way of {', '.join((*via[via.index(base) + 1 :], name))}; let one of them stand by itself"
        )
    if base != name and isinstance(models.get(base), Mapping):
        inherited = {key: value for key, value in _resolved(base, models, file, (*via, name)).items() if key not in OWN}
    elif base in systems():
        inherited = _of_the_zoo(base, field)
    else:
        known = ", ".join(str(each) for each in models if each != name)
        raise ParamsError(
            f"{field}: {base!r} is unknown; choose another entry of models: ({known}), or one of the zoo: {', '.join(systems())}"
        )
    calls = inherited["call"], own.get("call", {})
    return {**inherited, **own, "call": {**calls[0], **calls[1]} if all(isinstance(call, Mapping) for call in calls) else calls[1]}


def _of_the_zoo(name: str, field: str) -> dict[str, Any]:
    system = systems()[name]
    if system.unavailable:
        raise ParamsError(f"{field}: {name!r} is unavailable: {system.unavailable}")
    weights = f"{HUB}{system.repository}" + (f"@{system.revision}" if system.revision else "")
    return {key: value for key, value in system.model_dump().items() if key in PAINTING} | {"weights": weights}
