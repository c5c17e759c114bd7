"""Turns calls into questions: each picture is read once, checked against its cache key and resized ahead of the judge, on threads."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from trig.errors import PictureError
from trig.judge.calls import Call, Files, Gallery, seen
from trig.judge.pictures import fit
from trig.params.judge import Judging
from trig.protocols.judge import Question
from trig.protocols.refusal import Refusal
from trig.tables.sources import digest

AHEAD = 16
"""Prefetch depth: pictures that are read and resized ahead of the judge; bounds memory."""


def questions(calls: Sequence[Call], gallery: Gallery, settings: Judging) -> Iterator[tuple[int, Question]]:
    """The question of each call, with the call's index; questions about a picture are adjacent.

    Raises PictureError when a picture no longer matches its content hash.
    """
    about: dict[tuple[str, ...], list[int]] = {}
    for number, call in enumerate(calls):
        about.setdefault(call.shown.digests, []).append(number)
    groups = {calls[numbers[0]].shown.index: sorted(numbers, key=lambda number: calls[number].prompt) for numbers in about.values()}
    digests = {index: calls[numbers[0]].shown.digests for index, numbers in groups.items()}
    for index, (image, source) in _fitted(gallery, digests, settings):
        for number in groups[index]:
            yield number, Question(image, calls[number].prompt, calls[number].rubric, source)


def _fitted(gallery: Gallery, digests: Mapping[int, Sequence[str]], settings: Judging) -> Iterator[tuple[int, Files]]:
    """Pictures as sent, in reading order."""
    pool = ThreadPoolExecutor()
    ahead: deque[tuple[int, Future[Files]]] = deque()
    try:
        for index, files in _checked(gallery, digests, settings):
            ahead.append((index, pool.submit(_fit, files, settings.max_pixels)))
            if len(ahead) > AHEAD:
                yield _first(ahead)
        while ahead:
            yield _first(ahead)
    finally:
        pool.shutdown(cancel_futures=True)


def _first(ahead: deque[tuple[int, Future[Files]]]) -> tuple[int, Files]:
    index, ready = ahead.popleft()
    return index, ready.result()


def _checked(gallery: Gallery, digests: Mapping[int, Sequence[str]], settings: Judging) -> Iterator[tuple[int, Files]]:
    """The files the judge sees, which must have the content hashes in their cache keys."""
    for index, files in gallery.read(digests):
        names = gallery.names(index)
        if isinstance(files, Refusal):
            raise PictureError(f"{names[0]}: {gallery.altered}")
        sent = seen(files, settings)
        for file, expected, name in zip(sent, digests[index], names, strict=False):  # source picture is optional
            if file is not None and digest(file) != expected:
                raise PictureError(f"{name}: {gallery.altered}")
        yield index, sent


def _fit(files: Files, max_pixels: int) -> Files:
    image, source = files
    return fit(image, max_pixels), None if source is None else fit(source, max_pixels)
