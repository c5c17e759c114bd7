"""Asks each distinct question once and fills the answer cache."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from trig.judge.budget import Budget
from trig.judge.cache import ANSWERS, REFUSALS, UNPROVEN, cached_answers, final_refusals, keep_refusals, packed_answer
from trig.judge.calls import Call, Gallery
from trig.judge.canary import AGAIN, Canary, MovedError
from trig.judge.labels import labels
from trig.judge.prefetch import questions
from trig.params.judge import Judging
from trig.protocols.judge import Answer, Judge, Labels, Question
from trig.protocols.refusal import Refusal
from trig.store import Progress, Store, fill


def answer(
    calls: Sequence[Call], gallery: Gallery, judge: Judge, store: Store, settings: Judging, canary: Canary | None = None
) -> Iterator[Progress]:
    """Fills the store with the answers. Final refusals are not retried; others are, by the next run.

    With a `canary`, answers wait on a shelf of their own until a later check has found the same judge; those of a judge that changed are dropped.

    Raises JudgeError when more than `judge.max_failures` questions have no score, cached ones included: a run stopped for this stops again
    before it asks anything. Raises PictureError when a picture no longer matches its content hash.
    """
    ids = labels(settings.scale, judge.encode)
    wanted = {call.key: call for call in calls if call.shown.missing is None}
    final = final_refusals(store, list(wanted))
    store.touch(REFUSALS, final)
    wanted = {key: call for key, call in wanted.items() if key not in final}
    budget = Budget(settings)
    budget.spend(chain(final.values(), cached_answers(store, list(wanted)), cached_answers(store, list(wanted), UNPROVEN)))
    asking = _Asking(gallery, judge, store, settings, ids, budget, canary)
    try:
        if canary is None:
            yield from fill(store, ANSWERS, wanted, asking.ask, settings.batch_size)
        else:
            yield from _proven(asking, canary, wanted)
    finally:
        asking.keep()


def _proven(asking: "_Asking", canary: Canary, wanted: Mapping[str, Call]) -> Iterator[Progress]:
    """As `fill`, between two checks."""
    store, batch_size = asking.store, asking.settings.batch_size
    try:
        if canary.noise is None or len(store.known(ANSWERS, wanted)) < len(wanted):
            canary.check(asking.ids)
            asking.confirm(canary, wanted)
            store.move(UNPROVEN, ANSWERS, wanted)  # of a run that was killed between two checks
        known = store.known(ANSWERS, wanted)
        store.touch(ANSWERS, known)
        left = {key: call for key, call in wanted.items() if key not in known}
        for step in fill(store, UNPROVEN, left, asking.ask, batch_size):
            yield Progress(len(wanted), len(known) + step.reused, step.computed, step.refused)
        store.move(UNPROVEN, ANSWERS, left)
    except MovedError:
        store.drop(UNPROVEN, wanted)
        asking.forget(wanted)
        raise


class _Asking:
    """Asks a judge about calls, with its failure budget."""

    def __init__(
        self, gallery: Gallery, judge: Judge, store: Store, settings: Judging, ids: Labels, budget: Budget, canary: Canary | None
    ) -> None:
        self.gallery, self.judge, self.store, self.settings, self.ids = gallery, judge, store, settings, ids
        self._budget, self._canary = budget, canary
        self._refusals: dict[str, Refusal] = {}

    def ask(self, missing: list[Call]) -> Iterator[tuple[int, bytes | None]]:
        """Index and payload of each call, as they are answered; the judge is checked at intervals and at the end."""
        pending = questions(missing, self.gallery, self.settings)
        order: list[int] = []

        def until_a_check(first: tuple[int, Question]) -> Iterator[Question]:
            for number, question in chain([first], pending):
                order.append(number)
                yield question
                if self._canary and self._canary.due(len(order)):
                    return

        for first in pending:
            begun = len(order)
            for index, result in self.judge.ask(until_a_check(first), self.ids):
                yield self._taken(order[begun + index], missing[order[begun + index]].key, result)
                self._budget.spend([result])
            if self._canary:
                self._canary.check(self.ids)
                self.store.move(UNPROVEN, ANSWERS, [missing[number].key for number in order[begun:]])

    def confirm(self, canary: Canary, wanted: Mapping[str, Call]) -> None:
        """Asks again what a killed run asked last: a judge that had moved by then may have moved back. Raises MovedError."""
        keys = self.store.latest(UNPROVEN, wanted, AGAIN)
        if not keys:
            return
        asked = dict(questions([wanted[key] for key in keys], self.gallery, self.settings))
        said = dict(self.judge.ask(list(asked.values()), self.ids))
        places = {number: index for index, number in enumerate(asked)}
        canary.confirm(list(cached_answers(self.store, keys, UNPROVEN)), [said[places[number]] for number in range(len(keys))])

    def _taken(self, number: int, key: str, result: Answer | Refusal) -> tuple[int, bytes | None]:
        if isinstance(result, Answer):
            return number, packed_answer(result, self.judge)
        self._refusals[key] = result
        if len(self._refusals) >= self.settings.batch_size:
            self.keep()
        return number, None

    def keep(self) -> None:
        """Caches what was refused."""
        keep_refusals(self.store, self._refusals)
        self._refusals.clear()

    def forget(self, keys: Iterable[str]) -> None:
        """Drops what was refused, cached or not."""
        self.store.drop(REFUSALS, keys)
        self._refusals.clear()
