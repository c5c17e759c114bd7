"""Judge calls and their cache keys: a question about a picture, keyed by everything that decides its answer."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from trig.judge.pictures import FITTING, Size, size, within
from trig.keys import content_key
from trig.params.judge import Judging
from trig.protocols.judge import Question
from trig.protocols.refusal import Refusal
from trig.tables.sources import digest

Files: TypeAlias = tuple[bytes, bytes | None]
"""Picture and its source picture."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Content hashes and sizes of a picture, then of its source picture, where there is one."""

    digests: tuple[str, ...]
    sizes: tuple[Size | None, ...]  # width and height in pixels; None when unreadable


class Gallery(Protocol):
    """Lazily read pictures."""

    def __len__(self) -> int: ...

    def read(self, places: Collection[int]) -> Iterator[tuple[int, Files | Refusal]]:
        """Pictures at these indices, 0 to `len` - 1, once each, in the fastest order; a Refusal where there is none.

        Raises a TrigError when one cannot be read.
        """
        ...

    def looked(self) -> Iterator[tuple[int, "Looked | Refusal"]]:
        """Hash and size of every picture, in the fastest order; a Refusal where there is none. No pixel is decoded."""
        ...

    @property
    def altered(self) -> str:
        """What to say of a picture that no longer has its content hash, and what to do."""
        ...

    def names(self, index: int) -> tuple[str, str]:
        """Names, for messages, of the picture at this index and of its source picture."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """Metadata of the pictures of a question: the picture, then its source picture if the judge sees that too."""

    index: int  # index in its gallery
    digests: tuple[str, ...]  # content hashes of the files before resizing
    sizes: tuple[Size | None, ...]  # as sent; None when unreadable
    missing: str | None = None  # why there is no picture


@dataclass(frozen=True, slots=True)
class Call:
    """A question, the cache key of its answer, and the identifying columns of its row."""

    row: Mapping[str, object]
    key: str
    shown: Shown
    prompt: str
    rubric: str

    @property
    def text(self) -> str:
        """Text prompt sent with the pictures."""
        return Question(b"", self.prompt, self.rubric).text


def look(gallery: Gallery, settings: Judging) -> Iterator[Shown]:
    """What is known of each picture before it is asked about."""
    most = 2 if settings.reference_image == "source" else 1
    for index, found in gallery.looked():
        if isinstance(found, Refusal):
            yield Shown(index, (), (None,), found.reason)
        else:
            sizes = (size and within(size, settings.max_pixels) for size in found.sizes[:most])
            yield Shown(index, found.digests[:most], tuple(sizes))


def looked(files: Files) -> Looked:
    """Hashes and sizes of files that were read."""
    there = [file for file in files if file is not None]
    return Looked(tuple(map(digest, there)), tuple(map(size, there)))


def call(row: Mapping[str, object], shown: Shown, prompt: str, rubric: str, revision: str, settings: Judging) -> Call:
    """The call with its cache key: hash of the files, the sizes sent, the text, the grades and the judge.

    Without a picture the key covers the row instead of the files; no question has that key.
    """
    text = Question(b"", prompt, rubric).text
    sent = {"images": shown.digests, "sizes": shown.sizes, "fitting": FITTING}
    if shown.missing is not None:
        sent = {"missing": dict(row)}
    return Call(row, content_key(**sent, asked=text, scale=settings.scale, judge=revision), shown, prompt, rubric)


def seen(files: Files, settings: Judging) -> Files:
    """The files the judge sees."""
    return files if settings.reference_image == "source" else (files[0], None)
