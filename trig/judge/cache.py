"""Answer cache: payloads of the work store's shelves of answers and refusals."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from trig.judge.calls import Call
from trig.protocols.judge import Answer, Judge
from trig.protocols.refusal import Refusal
from trig.store import Store

ANSWERS, REFUSALS = "answers", "refusals"
"""Shelves of the work store."""
UNPROVEN = "answers since the last check"
"""Shelf of answers that no later check of their judge has confirmed yet."""
AT_A_TIME = 500
"""Cached results in memory at once."""
NO_PICTURE = "no picture"
"""Prefix of the reason of a score whose picture the model refused to generate."""


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of a call."""

    answer: Answer | Refusal
    engine: str | None = None  # inference engine that computed the answer; None without one
    dtype: str | None = None  # compute dtype; None where not reported


def packed_answer(answer: Answer, judge: Judge) -> bytes:
    """Payload of an answer."""
    return json.dumps({**asdict(answer), "engine": judge.engine, "dtype": judge.dtype}).encode()


def keep_refusals(store: Store, refusals: Mapping[str, Refusal]) -> None:
    """Caches refusals by key."""
    store.put(REFUSALS, {key: json.dumps(asdict(refusal)).encode() for key, refusal in refusals.items()})


def cached_answers(store: Store, keys: Sequence[str], shelf: str = ANSWERS) -> Iterator[Answer]:
    """Cached answers of these keys, decoded in batches."""
    for start in range(0, len(keys), AT_A_TIME):
        yield from (_answer(payload)[0] for payload in store.get(shelf, keys[start : start + AT_A_TIME]).values())


def final_refusals(store: Store, keys: Sequence[str]) -> dict[str, Refusal]:
    """Cached refusals of these keys that no run asks again."""
    return {key: refusal for key, payload in store.get(REFUSALS, keys).items() if (refusal := _refusal(payload)).final}


def results(calls: Sequence[Call], store: Store) -> Iterator[tuple[Call, Result]]:
    """Each call with its result, once `ask.answer` is exhausted."""
    keys = [call.key for call in calls]
    answers, refusals = store.get(ANSWERS, keys), store.get(REFUSALS, keys)
    for call in calls:
        if call.shown.missing is not None:
            yield call, Result(Refusal(f"{NO_PICTURE}: {call.shown.missing}", final=True))
        elif call.key in answers:
            yield call, Result(*_answer(answers[call.key]))
        else:
            yield call, Result(_refusal(refusals[call.key]))


def _answer(payload: bytes) -> tuple[Answer, str | None, str | None]:
    """Answer, engine and dtype."""
    fields = json.loads(payload)
    engine, dtype = fields.pop("engine"), fields.pop("dtype")
    return Answer(**fields | {"logprobs": tuple(fields["logprobs"])}), engine, dtype


def _refusal(payload: bytes) -> Refusal:
    return Refusal(**json.loads(payload))
