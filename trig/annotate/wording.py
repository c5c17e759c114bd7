"""Texts of a material: what a caption, a phrase or a frame may hold, and the reading of its YAML files."""

import re
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from trig.annotate.checks.scripts import unseen
from trig.errors import TableError
from trig.notation import NotationError, read
from trig.text import blank

T = TypeVar("T")
LONGEST = 1_000
"""Characters of a caption part, phrase or frame."""
MARKUP = re.compile(r"<[A-Za-z/!?][^<>]*>|&#?\w+;|https?://", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{(\w*)\}")
FIELDS = {
    "frames": {"scene", "phrase"},
    "edits": {"phrase", "subject", "other", "place", "thing"},
    "things": {"subject", "other"},
    "clauses": {"x", "y"},
    "items": {"item"},
    "general": {"subject", "other", "place", "thing"},
}
"""Placeholders of each kind of frame."""


def tidy(words: str) -> str:
    """Validator: trimmed, one line, short, no markup, no control or bidirectional-override characters."""
    if words and blank(words):
        raise ValueError(f"{words!r} is blank; write words")
    if len(words) > LONGEST:
        raise ValueError(f"{words[:30]!r}… has {len(words):,} characters; write {LONGEST:,} at most")
    if words != words.strip():
        raise ValueError(f"{words!r} begins or ends with a blank; take it away")
    if found := MARKUP.search(words):
        raise ValueError(f"{words[:60]!r} holds markup or a link, {found[0]!r}; write plain words")
    return seen(words)


def seen(words: str) -> str:
    """Validator: no control, bidirectional-override or other invisible characters."""
    if strange := unseen(words):
        raise ValueError(f"{words[:60]!r} holds the invisible character U+{ord(strange):04X}; take it out")
    return words


def one_line(words: object) -> object:
    """Validator: white space as single blanks, in a text."""
    return " ".join(words.split()) if isinstance(words, str) else words


def braceless(words: str) -> str:
    """Validator: no braces, which are placeholders of frames."""
    if found := next((letter for letter in words if letter in "{}"), None):
        raise ValueError(f"{words[:60]!r} holds {found!r}; braces name placeholders, and only frames have these: write plain words")
    return words


def filled(words: str) -> str:
    """Validator: not empty."""
    if not words:
        raise ValueError("'' is empty; write words")
    return words


Words = Annotated[str, AfterValidator(tidy)]
"""Trimmed text; empty where it is optional."""
Said = Annotated[Words, AfterValidator(braceless)]
"""Words that are put into frames."""
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
"""Stable name of an entry: prompts depend on it, not on the entry's place in the file."""


class Strict(BaseModel):
    """Frozen; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(Strict):
    """Something with an origin and a licence; null: the material's."""

    licence: Words | None = None
    origin: Words | None = None


def placeholders(frame: str) -> set[str]:
    """Names in braces."""
    return set(PLACEHOLDER.findall(frame))


def framed(kind: str, needed: str | None) -> AfterValidator:
    """Validator of frames: known placeholders only, and the one that is needed."""

    def valid(frames: dict[str, str]) -> dict[str, str]:
        for name, frame in frames.items():
            if strange := placeholders(frame) - FIELDS[kind]:
                raise ValueError(f"{name}: {{{min(strange)}}} is unknown here; use {', '.join(sorted(FIELDS[kind]))}")
            if needed and needed not in placeholders(frame):
                raise ValueError(f"{name}: {frame!r} has no {{{needed}}}; say where it goes")
        return frames

    return AfterValidator(valid)


def load(path: Path, kind: TypeAdapter[T]) -> T:
    """Read a YAML file. Raises TableError in one line: file, field, value and remedy."""
    try:
        return kind.validate_python(read(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise TableError(f"{path}: there is no such file; a material needs it: docs/design/annotate.md") from None
    except OSError as error:
        raise TableError(f"{path}: it cannot be read ({error.strerror}); allow it, or name another material") from None
    except (NotationError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: not readable as YAML: {error}") from None
    except ValidationError as error:
        where, said = complaint(error)
        raise TableError(": ".join(filter(None, (str(path), where, said)))) from None


def complaint(error: ValidationError) -> tuple[str, str]:
    """Where the first mistake is, "" for the whole, and what is wrong there."""
    first = error.errors(include_url=False)[0]
    told = first["msg"]
    ours = first["type"] == "value_error"
    said = told.removeprefix("Value error, ") if ours else f"{_shown(first['input'])}: {told[:1].lower()}{told[1:]}"
    return ".".join(map(str, first["loc"])), said


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
