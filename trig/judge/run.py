"""Judges a model's pictures on every dimension and builds the tables of scores and diagnostics."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TypeAlias

import polars as pl

from trig.errors import TableError
from trig.judge.album import Album
from trig.judge.ask import answer
from trig.judge.cache import results
from trig.judge.calls import Call, Files, Looked, Shown, call, look
from trig.judge.canary import Canary
from trig.judge.rows import row
from trig.judge.rubrics import rubrics
from trig.keys import content_key
from trig.params.judge import Judging
from trig.protocols.judge import Judge
from trig.protocols.refusal import Refusal
from trig.store import Store
from trig.tables.diagnostics import DIAGNOSED
from trig.tables.sources import Library
from trig.vocabulary.dimensions import Dimension, Pair, Task

Steps: TypeAlias = Iterator[tuple[int, int]]
"""Progress iterator of (done, total)."""
Show: TypeAlias = Callable[[str, Steps], object]
"""Callback that consumes a progress iterator, given its title."""
NEWS_SECONDS = 1.0
"""Progress report interval."""

PICTURE = ("model", "task", "pair", "data_id", "number")
"""What names a picture in both tables."""
SEED = ("task", "data_id", "number")
"""What names a picture of one model: a prompt, and which of its seeds."""


class Painted:
    """Pictures of prompts, in the order of `wanted`, each with its source picture. Satisfies `Gallery`.

    `wanted` has a row per picture: a prompt and `number`. Raises TableError when one is missing.
    """

    def __init__(self, wanted: pl.DataFrame, sources: Library, album: Album) -> None:
        asked = wanted.select(*SEED, "prompt", "source")
        names = album.names.with_row_index("index")
        self.rows = asked.join(names, on=SEED, how="left", maintain_order="left")
        if self.rows["index"].null_count():
            task, missing, number = self.rows.filter(pl.col("index").is_null()).select(SEED).row(0)
            raise TableError(f"images: {task} prompt {missing}, number {number}, has no picture; run `dvc repro` to generate it")
        self.album, self.sources = album, sources
        self.altered = "its bytes are not those of its table, which names their hash; run `dvc repro -f -s` for the stage that writes it, then `dvc repro`"

    def __len__(self) -> int:
        return self.rows.height

    def read(self, places: Collection[int]) -> Iterator[tuple[int, Files | Refusal]]:
        """In on-disk order."""
        chosen = list(places)
        numbers = dict(zip(self.rows["index"].gather(chosen), chosen, strict=True))
        for index, image in self.album.pictures(numbers):
            number = numbers[index]
            if image is None:
                yield number, Refusal(str(self.rows["reason"][number]), final=True)
            else:
                yield number, (image, self.sources.get(self.rows["source"][number]))

    def looked(self) -> Iterator[tuple[int, Looked | Refusal]]:
        """From the columns of both tables: no picture is read."""
        for number, (digest, width, height, source, reason) in enumerate(
            self.rows.select("digest", "width", "height", "source", "reason").iter_rows()
        ):
            if digest is None or reason is not None:
                yield number, Refusal(str(reason), final=True)
            elif source is None:
                yield number, Looked((digest,), ((width, height),))
            else:
                yield number, Looked((digest, source), ((width, height), self.sources.size(source)))

    def names(self, index: int) -> tuple[str, str]:
        """By task, data_id and number, 0 left out."""
        row = self.rows.row(index, named=True)
        number = f" number {row['number']}" if row["number"] else ""
        return f"images: {row['task']} {row['data_id']}{number}", f"sources: {row['source']}"


def calls(painted: Painted, revision: str, settings: Judging, watch: Callable[[Steps], object] = deque) -> list[Call]:
    """One call per picture and dimension, grouped by picture. `watch` consumes the progress of reading the pictures."""
    shown: dict[int, Shown] = {}
    watch(_looked(painted, settings, shown))
    texts = {task: rubrics(settings.rubrics, Task(task), settings.scale.grades) for task in painted.rows["task"].unique()}
    hashes = {text: content_key(rubric=text) for found in texts.values() for text in found.values()}
    found = []
    for number, each in enumerate(painted.rows.iter_rows(named=True)):
        names = {name: each[name] for name in PICTURE} | {"scorer": settings.name, "image_key": each["key"]}
        pair = Pair.parse(each["pair"])
        for dimension in (pair.x, pair.y) if settings.dimensions == "pair" else Dimension:
            rubric = texts[each["task"]][dimension]
            known = {**names, "dimension": dimension.value, "rubric": hashes[rubric]}
            found.append(call(known, shown[number], each["prompt"], rubric, revision, settings))
    return found


def _looked(painted: Painted, settings: Judging, shown: dict[int, Shown]) -> Steps:
    yield 0, len(painted)
    said_at = time.monotonic()
    for each in look(painted, settings):
        shown[each.index] = each
        if time.monotonic() - said_at > NEWS_SECONDS:
            said_at = time.monotonic()
            yield len(shown), len(painted)
    yield len(shown), len(painted)


def judged(painted: Painted, judge: Judge, store: Store, settings: Judging, show: Show, name: str) -> pl.DataFrame:
    """Scores of these pictures with their diagnostics; cache misses are asked. `show` consumes the progress iterators."""
    found, canary = calls(painted, judge.revision, settings, partial(show, f"read {name}")), Canary(judge, store, settings)
    show(f"judge {name}", ((step.done, step.total) for step in answer(found, painted, judge, store, settings, canary)))
    return scores(found, store, judge.revision, settings, canary.noise)


def scores(found: Sequence[Call], store: Store, revision: str, settings: Judging, noise: float | None = None) -> pl.DataFrame:
    """DIAGNOSED: a row per call, with its score or the reason for its absence. `noise`: the judge's noise floor, where it was measured."""
    rows = [{**row(*each, revision, settings), "canary_noise": noise} for each in results(found, store)]
    return pl.DataFrame(rows, schema=dict(DIAGNOSED.columns))
