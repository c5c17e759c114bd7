"""Asks each distinct question once and caches the answers. Pictures are read and resized lazily."""

import json
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Protocol, TypeAlias

from trig.errors import JudgeError, PictureError
from trig.judge.labels import labels
from trig.judge.pictures import FITTING, Size, fit, size
from trig.judge.rating import rate
from trig.keys import content_key
from trig.params.judge import Judging
from trig.protocols.judge import Answer, Judge, Question
from trig.protocols.refusal import Refusal
from trig.store import Progress, Store, fill

SHELF = "answers"
REFUSED = "refusals"
"""Why a question has no answer; becomes the reason of its score."""
AHEAD = 16
"""Prefetch depth: pictures that are read and resized ahead of the judge; bounds memory."""
AT_A_TIME = 500
"""Cached answers in memory at once."""
Files: TypeAlias = tuple[bytes, bytes | None]
"""Picture and its source picture."""
NO_PICTURE = "no picture"
"""Prefix of the reason of a score whose picture the model refused to generate."""


class Gallery(Protocol):
    """Lazily read pictures."""

    def __len__(self) -> int: ...

    def read(self, places: Collection[int]) -> Iterator[tuple[int, Files | Refusal]]:
        """Pictures at these indices, 0 to `len` - 1, once each, in the fastest order; a Refusal where there is none.

        Raises a TrigError when one cannot be read.
        """
        ...

    def names(self, place: int) -> tuple[str, str]:
        """Names, for messages, of the picture at this index and of its source picture."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """Metadata of the pictures of a question: the picture, then its source picture if the judge sees that too."""

    place: int  # index in its gallery
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
    """Metadata of each picture, in reading order. No pixel is decoded."""
    for place, files in gallery.read(range(len(gallery))):
        if isinstance(files, Refusal):
            yield Shown(place, (), (None,), files.reason)
            continue
        seen = [file for file in _seen(files, settings) if file is not None]
        yield Shown(place, tuple(map(_digest, seen)), tuple(size(file, settings.max_pixels) for file in seen))


def call(row: Mapping[str, object], shown: Shown, prompt: str, rubric: str, revision: str, settings: Judging) -> Call:
    """The call with its cache key: hash of the files, the sizes sent, the text, the grades and the judge.

    Without a picture the key covers the row instead of the files; no question has that key.
    """
    text = Question(b"", prompt, rubric).text
    sent = {"images": shown.digests, "sizes": shown.sizes, "fitting": FITTING}
    if shown.missing is not None:
        sent = {"missing": dict(row)}
    return Call(row, content_key(**sent, asked=text, scale=settings.scale, judge=revision), shown, prompt, rubric)


def answer(found: Sequence[Call], gallery: Gallery, judge: Judge, store: Store, settings: Judging) -> Iterator[Progress]:
    """Fills the store with the answers. Final refusals are not retried; others are, by the next run.

    Raises JudgeError when more than `judge.max_failures` questions have no score, refused or off-grade, cached ones included: a run stopped
    for this stops again before it asks anything. Raises PictureError when a picture no longer matches its content hash.
    """
    ids = labels(settings.scale, judge.encode)
    calls = {each.key: each for each in found if each.shown.missing is None}
    hopeless = {key: str(said["reason"]) for key, said in _kept(store, REFUSED, list(calls)) if said["final"]}
    wanted = {key: each for key, each in calls.items() if key not in hopeless}
    store.touch(REFUSED, hopeless)
    refusals: dict[str, Refusal] = {}
    reasons = Counter(hopeless.values())

    def missed(said: Answer | Refusal) -> None:
        if reason := rate(said, settings.max_off_mass, settings.scale).reason:
            reasons[reason] += 1

    for _, kept in _kept(store, SHELF, list(wanted)):
        missed(_said(kept).answer)
    _bearable(reasons, settings.max_failures)

    def ask(left: list[Call]) -> Iterator[tuple[int, bytes | None]]:
        order: list[int] = []
        for number, said in judge.ask(_questions(left, gallery, settings, order), ids):
            place = order[number]
            if isinstance(said, Answer):
                yield place, _written({**asdict(said), "engine": judge.engine, "dtype": judge.dtype})
            else:
                refusals[left[place].key] = said
                if len(refusals) >= settings.batch_size:
                    keep()
                yield place, None
            missed(said)
            _bearable(reasons, settings.max_failures)

    def keep() -> None:
        store.put(REFUSED, {key: _written(asdict(said)) for key, said in refusals.items()})
        refusals.clear()

    try:
        yield from fill(store, SHELF, wanted, ask, settings.batch_size)
    finally:
        keep()


def _questions(calls: Sequence[Call], gallery: Gallery, settings: Judging, order: list[int]) -> Iterator[Question]:
    """Questions grouped by picture; appends the index of each to `order`. Each picture is read once, just in time."""
    about: dict[tuple[str, ...], list[int]] = {}
    for place, each in enumerate(calls):
        about.setdefault(each.shown.digests, []).append(place)
    groups = {calls[places[0]].shown.place: sorted(places, key=lambda place: calls[place].prompt) for places in about.values()}
    digests = {place: calls[places[0]].shown.digests for place, places in groups.items()}
    for at, (image, source) in _fitted(gallery, digests, settings):
        for place in groups[at]:
            order.append(place)
            yield Question(image, calls[place].prompt, calls[place].rubric, source)


def _fitted(gallery: Gallery, digests: Mapping[int, Sequence[str]], settings: Judging) -> Iterator[tuple[int, Files]]:
    """Pictures as sent, prefetched on threads. Files must match the content hash in their cache key."""
    pool = ThreadPoolExecutor()
    ahead: deque[tuple[int, Future[Files]]] = deque()
    try:
        for place, files in gallery.read(digests):
            if isinstance(files, Refusal):
                raise PictureError(f"{gallery.names(place)[0]}: changed while it was judged; run again")
            seen = _seen(files, settings)
            for file, digest, name in zip(seen, digests[place], gallery.names(place), strict=False):  # source picture is optional
                if file is not None and _digest(file) != digest:
                    raise PictureError(f"{name}: changed while it was judged; run again")
            ahead.append((place, pool.submit(_fit, seen, settings.max_pixels)))
            if len(ahead) > AHEAD:
                first, ready = ahead.popleft()
                yield first, ready.result()
        while ahead:
            first, ready = ahead.popleft()
            yield first, ready.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _digest(file: bytes) -> str:
    return blake2b(file, digest_size=16).hexdigest()


def _fit(files: Files, max_pixels: int) -> Files:
    image, source = files
    return fit(image, max_pixels), None if source is None else fit(source, max_pixels)


def _seen(files: Files, settings: Judging) -> Files:
    """The files the judge sees."""
    return files if settings.reference_image == "source" else (files[0], None)


def _bearable(reasons: Counter[str], allowed: int) -> None:
    if reasons.total() > allowed:
        ((reason, count),) = reasons.most_common(1)
        raise JudgeError(
            f"params.yaml: judge.max_failures: more than {allowed} questions have no score ({count}: {reason}); mend that and run again, or"
            f" raise it: what was answered is kept"
        )


@dataclass(frozen=True, slots=True)
class Said:
    """Cached result of a call."""

    answer: Answer | Refusal
    engine: str | None = None  # inference engine that computed the answer; None without one
    dtype: str | None = None  # compute dtype; None where not reported


def said(found: Sequence[Call], store: Store) -> Iterator[tuple[Call, Said]]:
    """Each call with its result, once `answer` is exhausted."""
    keys = [each.key for each in found]
    answers, refused = store.get(SHELF, keys), store.get(REFUSED, keys)
    for each in found:
        if each.shown.missing is not None:
            yield each, Said(Refusal(f"{NO_PICTURE}: {each.shown.missing}", final=True))
        elif each.key in answers:
            yield each, _said(read(answers[each.key]))
        else:
            yield each, Said(Refusal(**read(refused[each.key])))


def row(call: Call, said: Said, revision: str, settings: Judging) -> dict[str, object]:
    """Row of a scores table: the call's score or the reason for its absence, and how it was judged."""
    answered = said.answer if isinstance(said.answer, Answer) else None
    rating = rate(said.answer, settings.max_off_mass, settings.scale)
    width, height = call.shown.sizes[0] or (None, None)
    return {
        **call.row,
        **asdict(rating),
        "status": "null" if rating.reason else "ok",
        "judge": f"{settings.name}@{revision}",
        "engine": said.engine,
        "dtype": said.dtype,
        "mode": answered and answered.mode,
        "tokens": answered and answered.tokens,
        "cached": answered and answered.cached,
        "picture_tokens": answered and answered.picture_tokens,
        "scale": "/".join(settings.scale.grades),
        "max_pixels": settings.max_pixels,
        "reference_image": settings.reference_image,
        "judged_width": width,
        "judged_height": height,
        "key": call.key,
    }


def _said(kept: Mapping[str, Any]) -> Said:
    """Decodes an answer payload."""
    told = {name: value for name, value in kept.items() if name not in ("engine", "dtype")}
    return Said(Answer(**{**told, "logprobs": tuple(told["logprobs"])}), kept["engine"], kept["dtype"])


def _kept(store: Store, shelf: str, keys: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Cached payloads of these keys, decoded in batches."""
    for start in range(0, len(keys), AT_A_TIME):
        for key, payload in store.get(shelf, keys[start : start + AT_A_TIME]).items():
            yield key, read(payload)


def _written(said: Mapping[str, object]) -> bytes:
    return json.dumps(said).encode()


def read(said: bytes) -> dict[str, Any]:
    """Decodes a payload of either shelf."""
    found: dict[str, Any] = json.loads(said)
    return found
