"""What a second eye says of pictures, as rows of the scores table."""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from trig.judge.run import Painted
from trig.keys import content_key
from trig.pictures import pixels
from trig.protocols.eye import Eye, Look
from trig.protocols.refusal import Refusal
from trig.tables.scores import SCORES
from trig.vocabulary.dimensions import Dimension

AT_A_TIME = 256
"""Pictures in memory at once."""
CANNOT_TELL = "the second eye cannot tell this of such a prompt"
Progress = Iterator[tuple[int, int]]


def seen(painted: Painted, eye: Eye, scorer: str, rows: list[pl.DataFrame]) -> Progress:
    """Appends SCORES to `rows`: on all dimensions of the eye, whatever the prompt is about, by the name of `scorer`. Yields (done, total).

    A picture that is not there has the reason of its row; where the eye cannot tell, the score is null too.
    """
    yield 0, len(painted)
    for start in range(0, len(painted), AT_A_TIME):
        indices = range(start, min(start + AT_A_TIME, len(painted)))
        rows.append(_scored(painted, indices, eye, scorer))
        yield indices.stop, len(painted)


def _scored(painted: Painted, indices: Sequence[int], eye: Eye, scorer: str) -> pl.DataFrame:
    looks, why = dict[int, Look](), dict[int, str]()
    prompts = painted.rows["prompt"]
    for index, found in painted.read(indices):
        if isinstance(found, Refusal):
            why[index] = found.reason
        else:
            image, source = found
            looks[index] = Look(prompts[index], pixels(image), pixels(source) if source else None)
    said = dict(zip(looks, eye.scores(list(looks.values())), strict=True)) if looks else {}
    named = painted.rows.select("model", "task", "pair", "data_id", "number", "prompt", "source", "digest", "key").rows(named=True)
    rows = [
        _row(named[index], dimension, said.get(index), why.get(index), eye, scorer) for index in indices for dimension in eye.dimensions
    ]
    return pl.DataFrame(rows, schema=dict(SCORES.columns))


def _row(
    named: Mapping[str, str], dimension: Dimension, said: Mapping[Dimension, float | None] | None, why: str | None, eye: Eye, scorer: str
) -> dict[str, object]:
    score = said[dimension] if said else None
    key = content_key(eye=eye.revision, digest=named["digest"], prompt=named["prompt"], source=named["source"], dimension=dimension.value)
    return {
        **{name: named[name] for name in ("model", "task", "pair", "data_id", "number")},
        "dimension": dimension.value,
        "scorer": scorer,
        "score_trig": score,
        "expected": score,
        "stderr": None,
        "status": "null" if score is None else "ok",
        "reason": None if score is not None else why or CANNOT_TELL,
        "image_key": named["key"],
        "key": key,
    }
