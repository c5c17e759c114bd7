"""Questions to an annotator, each asked once: every answer is kept in the work store as it arrives."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TypeAlias

from pydantic import BaseModel

from trig.errors import AnnotatorError
from trig.keys import content_key
from trig.llm.shapes import schema
from trig.protocols.annotator import Annotator, Ask, Reply
from trig.protocols.refusal import Refusal
from trig.protocols.unanswered import Unanswered
from trig.store import Store, fill

SHELF = "annotations"
KEEPING = 2
"""Cache version: raise it when a change to questions, shapes or payloads makes kept answers wrong that their key does not tell apart."""
AT_A_TIME = 500
"""Kept answers in memory at once."""
Show: TypeAlias = Callable[[str, Iterator[tuple[int, int]]], object]
"""Callback that consumes a progress iterator of (done, total), given its title."""
Pictures: TypeAlias = Callable[[str], bytes | None]
"""Reads a source picture by its content hash."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A question, with its pictures by content hash: they are read when it is sent."""

    ask: Ask
    sources: tuple[str, ...] = ()

    def key(self, revision: str) -> str:
        """Cache key of the answer of the annotator with this revision."""
        asked = {"system": self.ask.system, "text": self.ask.text, "shape": _shape(self.ask.shape), "sources": self.sources}
        return content_key(annotator=revision, asked=asked, keeping=KEEPING)


@cache
def _shape(shape: type[BaseModel]) -> str:
    return json.dumps(schema(shape, strict=False))


@dataclass(frozen=True, slots=True)
class Desk:
    """What is needed to ask: the annotator, the store, how to show progress, what may fail, and what did."""

    annotator: Annotator
    store: Store
    show: Show
    max_failures: int  # more questions without an answer stop the run at once; refusals for good are answers
    max_unanswered: int  # more questions that nobody answered fail the run at its end
    pictures: Pictures = lambda _: None
    recorded: Mapping[str, object] = field(default_factory=dict)  # kept with each answer: provider, temperature, seed
    unanswered: dict[str, str] = field(default_factory=dict)  # key of a question that nobody answered in this run → why

    def settle(self) -> None:
        """Raises AnnotatorError when more than `max_unanswered` questions stayed without an answer: a result would hide that a retry mends it."""
        if len(self.unanswered) > self.max_unanswered:
            ((reason, _),) = Counter(self.unanswered.values()).most_common(1)
            raise AnnotatorError(
                f"params.yaml: annotators.{self.annotator.name}.max_unanswered: {len(self.unanswered)} questions have no answer, and"
                f" {self.max_unanswered} may ({reason}); run again, which asks these and nothing that was answered, or raise it to reject their drafts"
            )


def answers(errands: Sequence[Errand], desk: Desk) -> Iterator[Reply | Refusal]:
    """The answer to each errand, in order. Final refusals are kept too; others are asked again by the next run.

    What nobody answered is asked again when the others are done: an outage may be over then. Raises AnnotatorError when more than `max_failures`
    questions have no answer.
    """
    keys = [errand.key(desk.annotator.revision) for errand in errands]
    work = {key: (key, errand) for key, errand in zip(keys, errands, strict=True)}
    failed = _ask(work, desk, f"ask {desk.annotator.name}")
    if silent := [key for key, said in failed.items() if isinstance(said, Unanswered)]:
        left = {key: said for key, said in failed.items() if key not in silent}
        failed = left | _ask({key: work[key] for key in silent}, desk, f"ask {desk.annotator.name} again")
    for key in work:
        desk.unanswered.pop(key, None)
    desk.unanswered.update({key: said.reason for key, said in failed.items() if isinstance(said, Unanswered)})
    for start in range(0, len(keys), AT_A_TIME):
        some = slice(start, start + AT_A_TIME)
        kept = desk.store.get(SHELF, keys[some])
        for key, errand in zip(keys[some], errands[some], strict=True):
            yield failed[key] if key in failed else _read(kept[key], errand.ask)


def _ask(work: Mapping[str, tuple[str, Errand]], desk: Desk, title: str) -> dict[str, Refusal]:
    """Asks what the store has no answer to, and keeps each; returns why questions have none."""
    failed: dict[str, Refusal] = {}

    def ask(left: list[tuple[str, Errand]]) -> Iterator[tuple[int, bytes | None]]:
        for index, said in desk.annotator.ask(_sent(errand, desk.pictures) for _, errand in left):
            if isinstance(said, Refusal) and not said.final:
                failed[left[index][0]] = said
                yield index, None
                _bearable(failed, desk)
            else:
                yield index, _payload(said, desk)

    steps = fill(desk.store, SHELF, work, ask, batch_size=1)
    desk.show(title, ((step.done, step.total) for step in steps))
    return failed


def kept(store: Store, errands: Sequence[Errand], revision: str) -> Iterator[BaseModel | None]:
    """Answers that the store has, in order; None for a question that was refused, or not asked yet."""
    for start in range(0, len(errands), AT_A_TIME):
        some = [(errand.key(revision), errand) for errand in errands[start : start + AT_A_TIME]]
        payloads = store.get(SHELF, [key for key, _ in some])
        for key, errand in some:
            said = _read(payloads[key], errand.ask) if key in payloads else None
            yield said.answer if isinstance(said, Reply) else None


def settled(store: Store, keys: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Of these cache keys those with an answer, and those refused for good."""
    known, for_good = set[str](), set[str]()
    for start in range(0, len(keys), AT_A_TIME):
        for key, payload in store.get(SHELF, keys[start : start + AT_A_TIME]).items():
            (for_good if "refused" in json.loads(payload) else known).add(key)
    return frozenset(known), frozenset(for_good)


def _sent(errand: Errand, pictures: Pictures) -> Ask:
    files = tuple(file for source in errand.sources if (file := pictures(source)) is not None)
    return replace(errand.ask, images=files)


def _bearable(failed: dict[str, Refusal], desk: Desk) -> None:
    if len(failed) > desk.max_failures:
        ((reason, count),) = Counter(refusal.reason for refusal in failed.values()).most_common(1)
        raise AnnotatorError(
            f"params.yaml: annotators.{desk.annotator.name}.max_failures: more than {desk.max_failures} questions have no answer ({count}:"
            f" {reason}); mend that and run again, or raise it: what was answered is kept"
        )


def _payload(said: Reply | Refusal, desk: Desk) -> bytes:
    by = {"annotator": desk.annotator.name, **desk.recorded}
    if isinstance(said, Refusal):
        return json.dumps({"refused": said.reason, "by": by}).encode()
    tokens = [said.prompt_tokens, said.completion_tokens]
    kept = {"answer": said.answer.model_dump(mode="json"), "model": said.model, "fingerprint": said.fingerprint, "tokens": tokens, "by": by}
    return json.dumps(kept).encode()


def _read(payload: bytes, ask: Ask) -> Reply | Refusal:
    found = json.loads(payload)
    if "refused" in found:
        return Refusal(found["refused"], final=True)
    return Reply(ask.shape.model_validate(found["answer"]), found["model"], found["fingerprint"], *found["tokens"])
