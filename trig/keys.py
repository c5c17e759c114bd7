"""Content keys: a row's key is one hash of everything that decides it, equal on every machine and in every run."""

import struct
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import blake2b

from pydantic import BaseModel


def content_key(**parts: object) -> str:
    """Content hash of the parts: 32 hex digits (blake2b-128).

    A part is None, a bool, int, float, str or bytes, or a list, tuple, mapping, dataclass or pydantic model of parts. Order counts in lists only.
    Types count: 1, 1.0, True and "1" differ; but lists equal tuples, and mappings, dataclasses and models with the same names are equal. Raises
    TypeError for anything else: a path names a place and not its content.
    """
    return blake2b(_encode(parts), digest_size=16).hexdigest()


def prompt_key(task: str, prompt: str, source: str | None) -> str:
    """Key of a row of the prompts table: hash of the generator's inputs, shared by copies across subsets. `source`: content hash of the source picture."""
    return content_key(task=task, prompt=prompt, source=source)


def _encode(part: object) -> bytes:
    """Injective type-length-value encoding."""
    tag, body = _body(part)
    return tag + struct.pack(">Q", len(body)) + body


def _body(part: object) -> tuple[bytes, bytes]:
    match part:
        case None:
            return b"n", b""
        case bool():
            return b"t", bytes([part])
        case int():
            return b"i", str(int(part)).encode()
        case float():
            return b"f", struct.pack(">d", part)
        case str():
            return b"s", str.__str__(part).encode("utf-8", "surrogatepass")
        case bytes():
            return b"b", part
        case list() | tuple():
            return b"l", b"".join(map(_encode, part))
        case _:
            return b"m", b"".join(sorted(_encode(name) + _encode(value) for name, value in _entries(part).items()))


def _entries(part: object) -> Mapping[object, object]:
    if isinstance(part, Mapping):
        return part
    if isinstance(part, BaseModel):
        return {name: getattr(part, name) for name in type(part).model_fields}
    if is_dataclass(part) and not isinstance(part, type):
        return {field.name: getattr(part, field.name) for field in fields(part)}
    raise TypeError(f"a key cannot be made of {type(part).__name__}: {part!r}")
