"""Captions and sub-prompts: YAML schema and loader."""

from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from trig.errors import ParamsError, TableError
from trig.notation import NotationError, read
from trig.text import blank
from trig.vocabulary.dimensions import Dimension, Pair

T = TypeVar("T")
Slot = Literal["style", "subject", "relation", "other", "suffix", "none"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _tidy(words: str) -> str:
    """Validator: no surrounding whitespace, not blank; prompts join phrases by single spaces."""
    if words and blank(words):
        raise ValueError(f"{words!r} is blank; write words")
    if words != words.strip():
        raise ValueError(f"{words!r} begins or ends with a blank; take it away")
    return words


Words = Annotated[str, AfterValidator(_tidy)]
"""Trimmed text; empty where a phrase is optional."""


class Caption(_Strict):
    """Caption template: subject, a second object for prompts that need one, and place."""

    subject: Words = Field(min_length=1)
    other: Words = Field(min_length=1)
    place: Words


class SubPrompts(_Strict):
    """Phrases of one dimension and the slot they fill. An optional dimension can be judged on any picture."""

    slot: Slot
    optional: bool
    phrases: list[Words] = Field(min_length=1)

    @field_validator("phrases")
    @classmethod
    def _once(cls, phrases: list[str]) -> list[str]:
        alike = [" ".join(phrase.casefold().split()) for phrase in phrases]
        if twice := [phrase for phrase, same in zip(phrases, alike, strict=True) if alike.count(same) > 1]:
            raise ValueError(f"{twice[0]!r} stands twice; name each phrase once")
        return phrases

    @model_validator(mode="after")
    def _needed(self) -> Self:
        if "" in self.phrases and not self.optional:
            raise ValueError("phrases: one is empty, and the dimension is not optional; write words, or set optional: true")
        return self


class Sources(_Strict):
    """Sub-prompts file: phrases of all ten dimensions, and the subsets that copy another's prompts."""

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
        for name, parent in copies.items():
            mine, theirs = Pair.parse(name), Pair.parse(parent)
            if not {mine.x, mine.y} & {theirs.x, theirs.y}:
                raise ValueError(f"{name}: copies {parent}, with which it shares no dimension; name a subset that has {mine.x} or {mine.y}")
        return copies


def captions(path: Path) -> list[Caption]:
    """Loads captions. Raises TableError for a duplicate, which could leak between test and train."""
    found = _read(path, TypeAdapter(list[Caption]))
    first: dict[Caption, int] = {}
    for number, caption in enumerate(found):
        if first.setdefault(caption, number) != number:
            raise TableError(f"{path}: {number}: the same caption as {first[caption]}; keep one")
    return found


def sub_prompts(path: Path) -> Sources:
    """Loads sub-prompts. Raises TableError when a dimension is missing."""
    found = _read(path, TypeAdapter(Sources))
    if missing := [dimension.value for dimension in Dimension if dimension not in found.dimensions]:
        raise TableError(f"{path}: dimensions.{missing[0]}: missing; give its slot and phrases")
    return found


def _read(path: Path, kind: TypeAdapter[T]) -> T:
    try:
        return kind.validate_python(read(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise TableError(f"{path}: there is no such file; restore it with `git checkout {path}`") from None
    except OSError as error:
        raise TableError(f"{path}: it cannot be read ({error.strerror}); restore it with `git checkout {path}`") from None
    except (NotationError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: not readable as YAML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        ours = first["type"] == "value_error"
        said = first["msg"].removeprefix("Value error, ") if ours else f"{first['input']!r}: {first['msg'].lower()}"
        raise TableError(f"{path}: {'.'.join(map(str, first['loc']))}: {said}") from None
