"""What prompts are made of: captions and sub-prompts, read from YAML and checked."""

from pathlib import Path
from typing import Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from trig.dimensions import Dimension, Pair
from trig.errors import ParamsError, TableError

T = TypeVar("T")
Slot = Literal["style", "subject", "relation", "other", "suffix", "none"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Caption(_Strict):
    """A plain picture in words: its subject, a second thing for prompts that need one, and the place."""

    subject: str = Field(min_length=1)
    other: str = Field(min_length=1)
    place: str


class SubPrompts(_Strict):
    """The phrases of one dimension and the slot they fill. An optional dimension can be judged on any picture."""

    slot: Slot
    optional: bool
    phrases: list[str] = Field(min_length=1)


class Sources(_Strict):
    """The file of sub-prompts: phrases of all ten dimensions, and the subsets that copy another's prompts."""

    dimensions: dict[Dimension, SubPrompts]
    copies: dict[str, str]

    @field_validator("copies")
    @classmethod
    def _one_step(cls, copies: dict[str, str]) -> dict[str, str]:
        for name in (*copies, *copies.values()):
            try:
                canonical = str(Pair.parse(name))
            except ParamsError as error:
                raise ValueError(str(error)) from None
            if name != canonical:
                raise ValueError(f"{name}: write the pair as {canonical}")
        if chained := [name for name, parent in copies.items() if parent in copies]:
            raise ValueError(f"{chained[0]}: copies {copies[chained[0]]}, which is a copy itself; name the subset that has the prompts")
        return copies


def captions(path: Path) -> list[Caption]:
    """The captions of a file."""
    return _read(path, TypeAdapter(list[Caption]))


def sub_prompts(path: Path) -> Sources:
    """The sub-prompts of a file. Raises TableError when a dimension is missing."""
    found = _read(path, TypeAdapter(Sources))
    if missing := [dimension.value for dimension in Dimension if dimension not in found.dimensions]:
        raise TableError(f"{path}: dimensions.{missing[0]}: missing; give its slot and phrases")
    return found


def _read(path: Path, kind: TypeAdapter[T]) -> T:
    try:
        return kind.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise TableError(f"{path}: there is no such file; restore it with `git checkout {path}`") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        ours = first["type"] == "value_error"
        said = first["msg"].removeprefix("Value error, ") if ours else f"{first['input']!r}: {first['msg'].lower()}"
        raise TableError(f"{path}: {'.'.join(map(str, first['loc']))}: {said}") from None
