"""Asks the judge about every picture and dimension, each question once, and writes the scores table."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import polars as pl

from trig import tables
from trig.dimensions import Dimension, Pair, Task
from trig.errors import TableError
from trig.judge.labels import labels
from trig.judge.rating import rate
from trig.judge.rubrics import rubrics
from trig.keys import content_key
from trig.protocols import Answer, Judge, Question, Refusal
from trig.store import Progress, Store, fill

SHELF = "answers"


@dataclass(frozen=True, slots=True)
class Call:
    """A row of the scores table to be, with the key of its answer."""

    row: dict[str, str]
    key: str
    question: Question


def calls(
    wanted: pl.DataFrame, images: pl.DataFrame, revision: str, grades: Sequence[str], dimensions: Literal["pair", "all"]
) -> list[Call]:
    """One call per picture and dimension, all questions about a picture side by side. Raises TableError when a prompt has no picture."""
    joined = wanted.select("task", "data_id", "prompt").join(images, on=["task", "data_id"], how="left", maintain_order="left")
    if joined["image"].null_count():
        raise TableError(
            f"images: prompt {joined.filter(pl.col('image').is_null())['data_id'][0]} has no picture; run `dvc repro` to generate it"
        )
    texts = {task: rubrics(Task(task), grades) for task in joined["task"].unique()}
    found = []
    for row in joined.iter_rows(named=True):
        image = row["image"]["bytes"]
        digest = blake2b(image, digest_size=16).hexdigest()
        pair = Pair.parse(row["pair"])
        for dimension in (pair.x, pair.y) if dimensions == "pair" else Dimension:
            question = Question(image, row["prompt"], texts[row["task"]][dimension])
            key = content_key(image=digest, asked=question.text, grades=list(grades), judge=revision)
            names = {"model": row["model"], "task": row["task"], "pair": row["pair"], "data_id": row["data_id"], "image_key": row["key"]}
            found.append(Call({**names, "dimension": dimension.value}, key, question))
    return found


def answer(found: Sequence[Call], judge: Judge, store: Store, grades: Sequence[str], batch_size: int) -> Iterator[Progress]:
    """Fills the store with the answers. A refusal is not stored: the next run asks again."""
    ids = labels(grades, judge.encode)
    refusals: dict[str, str] = {}

    def ask(questions: list[tuple[str, Question]]) -> Iterable[bytes | None]:
        for (key, _), said in zip(questions, judge.ask([question for _, question in questions], ids), strict=True):
            if isinstance(said, Refusal):
                refusals[key] = said.reason
            yield None if isinstance(said, Refusal) else struct.pack(f"<{len(said.logprobs)}d", *said.logprobs)

    yield from fill(store, SHELF, {call.key: (call.key, call.question) for call in found}, ask, batch_size)
    store.put(REFUSED, {key: reason.encode() for key, reason in refusals.items()})


REFUSED = "refusals"
"""Why a question has no answer, so that the table can say it."""


def scores(found: Sequence[Call], store: Store, judge: str, max_off_mass: float) -> pl.DataFrame:
    """The scores table: every call has a row, with a score or with the reason why there is none."""
    keys = [call.key for call in found]
    answers, refused = store.get(SHELF, keys), store.get(REFUSED, keys)
    return pl.DataFrame([_row(call, answers, refused, judge, max_off_mass) for call in found], schema=dict(tables.SCORES.columns))


def _row(call: Call, answers: Mapping[str, bytes], refused: Mapping[str, bytes], judge: str, max_off_mass: float) -> dict[str, object]:
    payload = answers.get(call.key)
    said = Answer(struct.unpack(f"<{len(payload) // 8}d", payload)) if payload else Refusal(refused[call.key].decode())
    rating = rate(said, max_off_mass)
    return {
        **call.row,
        "score_trig": rating.score_trig,
        "expected": rating.expected,
        "confidence": rating.confidence,
        "off_mass": rating.off_mass,
        "p": rating.p,
        "status": "null" if rating.reason else "ok",
        "reason": rating.reason,
        "judge": judge,
        "key": call.key,
    }
