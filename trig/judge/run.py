"""Asks the judge about every picture and dimension, each question once, and writes the scores table."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import polars as pl

from trig import params, tables
from trig.dimensions import Dimension, Pair, Task
from trig.errors import JudgeError, TableError
from trig.judge.labels import labels
from trig.judge.pictures import fit
from trig.judge.rating import rate
from trig.judge.rubrics import rubrics
from trig.keys import content_key
from trig.protocols import Answer, Judge, Question, Refusal
from trig.store import Progress, Store, fill

SHELF = "answers"
REFUSED = "refusals"
"""Why a question has no answer, so that the table can say it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A row of the scores table to be, with the key of its answer."""

    row: dict[str, object]
    key: str
    question: Question


def calls(wanted: pl.DataFrame, images: pl.DataFrame, revision: str, settings: params.Judge) -> list[Call]:
    """One call per picture and dimension, all questions about a picture side by side. Raises TableError when a prompt has no picture."""
    asked = wanted.select("task", "data_id", "prompt", "source_image")
    joined = asked.join(images, on=["task", "data_id"], how="left", maintain_order="left")
    if joined["image"].null_count():
        raise TableError(
            f"images: prompt {joined.filter(pl.col('image').is_null())['data_id'][0]} has no picture; run `dvc repro` to generate it"
        )
    texts = {task: rubrics(Task(task), settings.scale.grades) for task in joined["task"].unique()}
    found = []
    for row in joined.iter_rows(named=True):
        image, width, height = fit(row["image"]["bytes"], settings.max_pixels)
        shown = row["source_image"] if settings.reference_image == "source" else None
        source = None if shown is None else fit(shown, settings.max_pixels)[0]
        digests = [blake2b(file, digest_size=16).hexdigest() for file in (image, source) if file is not None]
        pair = Pair.parse(row["pair"])
        for dimension in (pair.x, pair.y) if settings.dimensions == "pair" else Dimension:
            rubric = texts[row["task"]][dimension]
            question = Question(image, row["prompt"], rubric, source)
            key = content_key(images=digests, asked=question.text, scale=settings.scale, judge=revision)
            names = {"model": row["model"], "task": row["task"], "pair": row["pair"], "data_id": row["data_id"], "image_key": row["key"]}
            seen = {"judged_width": width, "judged_height": height}
            found.append(Call({**names, **seen, "dimension": dimension.value, "rubric": content_key(rubric=rubric)}, key, question))
    return found


def answer(found: Sequence[Call], judge: Judge, store: Store, settings: params.Judge) -> Iterator[Progress]:
    """Fills the store with the answers. What was refused for good is not asked again; any other refusal is, by the next run.

    Raises JudgeError when more than `judge.max_failures` questions have no score: refused now or before, or answered with no grade.
    """
    ids = labels(settings.scale, judge.encode)
    keys = {call.key: call.question for call in found}
    hopeless = {key for key, said in store.get(REFUSED, keys).items() if _read(said)["final"]}
    wanted = {key: (key, question) for key, question in keys.items() if key not in hopeless}
    refusals: dict[str, Refusal] = {}
    reasons = Counter(str(_read(said)["reason"]) for said in store.get(REFUSED, hopeless).values())

    def missed(reason: str) -> None:
        reasons[reason] += 1
        if reasons.total() > settings.max_failures:
            raise JudgeError(_too_many(reasons, settings.max_failures))

    def ask(questions: list[tuple[str, Question]]) -> Iterator[tuple[int, bytes | None]]:
        for place, said in judge.ask([question for _, question in questions], ids):
            if isinstance(said, Answer):
                yield place, _written({**asdict(said), "engine": judge.engine})
            else:
                refusals[questions[place][0]] = said
                yield place, None
            if reason := rate(said, settings.max_off_mass, settings.scale).reason:
                missed(reason)

    try:
        yield from fill(store, SHELF, wanted, ask, settings.batch_size)
    finally:
        store.put(REFUSED, {key: _written(asdict(said)) for key, said in refusals.items()})


def _too_many(reasons: Counter[str], allowed: int) -> str:
    ((reason, count),) = reasons.most_common(1)
    return (
        f"params.yaml: judge.max_failures: more than {allowed} questions have no score ({count}: {reason}); mend the judge and run again, or"
        f" raise it: what was answered is kept"
    )


def _written(said: Mapping[str, object]) -> bytes:
    return json.dumps(said).encode()


def _read(said: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said)
    return found


def scores(found: Sequence[Call], store: Store, revision: str, settings: params.Judge) -> pl.DataFrame:
    """The scores table: every call has a row, with a score or with the reason why there is none."""
    keys = [call.key for call in found]
    answers, refused = store.get(SHELF, keys), store.get(REFUSED, keys)
    how = {
        "judge": f"{settings.name}@{revision}",
        "scale": "/".join(settings.scale.grades),
        "max_pixels": settings.max_pixels,
        "reference_image": settings.reference_image,
    }
    rows = [{**_row(call, answers, refused, settings), **how} for call in found]
    return pl.DataFrame(rows, schema=dict(tables.SCORES.columns))


def _row(call: Call, answers: Mapping[str, bytes], refused: Mapping[str, bytes], settings: params.Judge) -> dict[str, object]:
    kept: dict[str, Any] = _read(answers[call.key]) if call.key in answers else {}
    engine = kept.pop("engine", None)
    said = Answer(**{**kept, "logprobs": tuple(kept["logprobs"])}) if kept else Refusal(**_read(refused[call.key]))
    rating = rate(said, settings.max_off_mass, settings.scale)
    return {
        **call.row,
        "score_trig": rating.score_trig,
        "expected": rating.expected,
        "stderr": rating.stderr,
        "confidence": rating.confidence,
        "off_mass": rating.off_mass,
        "p": rating.p,
        "status": "null" if rating.reason else "ok",
        "reason": rating.reason,
        "engine": engine,
        "mode": kept.get("mode"),
        "tokens": kept.get("tokens"),
        "cached": kept.get("cached"),
        "key": call.key,
    }
