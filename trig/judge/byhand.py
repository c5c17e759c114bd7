"""Judging of pictures that the pipeline did not generate."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import polars as pl

from trig.judge.ask import answer
from trig.judge.cache import results
from trig.judge.calls import Call, Shown, call, look
from trig.judge.rows import row
from trig.judge.rubrics import rubrics
from trig.judge.samples import Pile, Sample
from trig.keys import content_key
from trig.params.judge import Judging
from trig.protocols.judge import Judge
from trig.store import Store
from trig.vocabulary.dimensions import Dimension

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "image": pl.String,
    "prompt": pl.String,
    "task": pl.String,
    "dimension": pl.String,
    "judge": pl.String,  # name@revision
    "engine": pl.String,  # inference engine that computed the answer; null without one
    "dtype": pl.String,  # compute dtype, such as float32; null where not reported
    "mode": pl.String,  # how probabilities were read: exact, top or sampled; null without an answer
    "rubric": pl.String,  # hash of the rubric
    "tokens": pl.Int64,  # prompt tokens, pictures included; null where not reported
    "cached": pl.Int64,  # prompt tokens from the server's prefix cache; null where not reported
    "picture_tokens": pl.Int64,  # of `tokens`, picture tokens; null where not reported
    "max_pixels": pl.Int64,  # larger pictures are downscaled
    "reference_image": pl.String,  # whether the source picture is sent to the judge
    "judged_width": pl.Int32,  # pixels of the picture as sent; null when unreadable
    "judged_height": pl.Int32,
    "grades": pl.List(pl.String),  # worst to best
    "p": pl.List(pl.Float64),  # probability of each grade; sums to 1
    "expected": pl.Float64,  # S, 0 to 1
    "stderr": pl.Float64,  # standard error of S, where answers were sampled
    "confidence": pl.Float64,  # C, 0 to 1
    "score_trig": pl.Float64,  # TRIGScore C·S, 0 to 1
    "off_mass": pl.Float64,  # probability outside all grades, 0 to 1
    "reason": pl.String,  # why there is no score; null where there is one
}


@dataclass(frozen=True, slots=True)
class Rater:
    """Judge backend with its settings and answer cache.

    >>> settings = params.load()
    >>> with Store.open() as store:
    ...     rater = Rater(trig.backends.judges.load(settings), settings.judge, store)
    ...     rater.score([Sample(Path("a.png"), "a red ball")])
    """

    backend: Judge
    settings: Judging
    store: Store | None = None

    def score(
        self,
        samples: Sequence[Sample],
        dimensions: Sequence[Dimension] = tuple(Dimension),
        watch: Callable[[Iterator[tuple[int, int]]], object] = deque,
    ) -> pl.DataFrame:
        """One row per sample and dimension, in order, with the columns of `COLUMNS`: (samples · dimensions, 24).

        Answers are cached in the store as they come, shared with the pipeline, so an interrupted call resumes; without a store everything
        is asked. `watch` is a callback that consumes a progress iterator of (done, total) distinct questions. Raises PictureError when a
        file cannot be read or changes meanwhile; a picture that cannot be decoded has no score, and a reason.
        """
        pile = Pile(samples)
        shown = {each.index: each for each in look(pile, self.settings)}
        grades = list(self.settings.scale.grades)
        texts = {task: rubrics(self.settings.rubrics, task, grades) for task in {sample.task for sample in samples}}
        found = [
            self._call(sample, dimension, shown[index], texts[sample.task][dimension])
            for index, sample in enumerate(samples)
            for dimension in dimensions
        ]
        patient = self.settings.model_copy(update={"max_failures": len(found)})
        with nullcontext(self.store) if self.store else Store.passing() as store:
            watch((step.done, step.total) for step in answer(found, pile, self.backend, store, patient))
            rows = [{**row(*each, self.backend.revision, self.settings), "grades": grades} for each in results(found, store)]
            return pl.DataFrame(rows, schema=COLUMNS)

    def _call(self, sample: Sample, dimension: Dimension, shown: Shown, text: str) -> Call:
        names = {"image": str(sample.image), "prompt": sample.prompt, "task": sample.task.value, "dimension": dimension.value}
        return call({**names, "rubric": content_key(rubric=text)}, shown, sample.prompt, text, self.backend.revision, self.settings)
