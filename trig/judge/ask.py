"""Asks each distinct question once and fills the answer cache."""

from collections.abc import Iterator, Sequence
from itertools import chain

from trig.judge.budget import Budget
from trig.judge.cache import ANSWERS, REFUSALS, cached_answers, final_refusals, keep_refusals, packed_answer
from trig.judge.calls import Call, Gallery
from trig.judge.labels import labels
from trig.judge.prefetch import questions
from trig.params.judge import Judging
from trig.protocols.judge import Answer, Judge, Question
from trig.protocols.refusal import Refusal
from trig.store import Progress, Store, fill


def answer(calls: Sequence[Call], gallery: Gallery, judge: Judge, store: Store, settings: Judging) -> Iterator[Progress]:
    """Fills the store with the answers. Final refusals are not retried; others are, by the next run.

    Raises JudgeError when more than `judge.max_failures` questions have no score, cached ones included: a run stopped for this stops again
    before it asks anything. Raises PictureError when a picture no longer matches its content hash.
    """
    ids = labels(settings.scale, judge.encode)
    wanted = {call.key: call for call in calls if call.shown.missing is None}
    final = final_refusals(store, list(wanted))
    store.touch(REFUSALS, final)
    wanted = {key: call for key, call in wanted.items() if key not in final}
    budget = Budget(settings)
    budget.spend(chain(final.values(), cached_answers(store, list(wanted))))
    refusals: dict[str, Refusal] = {}

    def ask(missing: list[Call]) -> Iterator[tuple[int, bytes | None]]:
        order: list[int] = []

        def stream() -> Iterator[Question]:
            for number, question in questions(missing, gallery, settings):
                order.append(number)
                yield question

        for place, result in judge.ask(stream(), ids):
            number = order[place]
            if isinstance(result, Answer):
                yield number, packed_answer(result, judge)
            else:
                refusals[missing[number].key] = result
                if len(refusals) >= settings.batch_size:
                    keep()
                yield number, None
            budget.spend([result])

    def keep() -> None:
        keep_refusals(store, refusals)
        refusals.clear()

    try:
        yield from fill(store, ANSWERS, wanted, ask, settings.batch_size)
    finally:
        keep()
