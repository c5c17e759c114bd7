"""A judge for pictures that no pipeline made: files, and what they were made from."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import polars as pl

from trig.judge.ask import Call, Shown, answer, call, look, row, said
from trig.judge.rubrics import rubric
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
    "engine": pl.String,  # the software that computed the answer; null without one
    "dtype": pl.String,  # the numbers it did so in, such as float32; null where that is not told
    "mode": pl.String,  # exact, top or sampled; null without an answer
    "rubric": pl.String,  # hash of the question's text
    "tokens": pl.Int64,  # of the question, pictures included; null where they are not told
    "cached": pl.Int64,  # of these, how many the server had computed before; null where it does not tell
    "picture_tokens": pl.Int64,  # of `tokens`, how many stand for pictures; null where that is not told
    "max_pixels": pl.Int64,  # larger pictures were made smaller
    "reference_image": pl.String,  # whether the judge was sent the source picture
    "judged_width": pl.Int32,  # pixels of the picture that the judge was sent; null for what cannot be read
    "judged_height": pl.Int32,
    "grades": pl.List(pl.String),  # worst to best
    "p": pl.List(pl.Float64),  # of each grade; sums to 1
    "expected": pl.Float64,  # S, 0 to 1
    "stderr": pl.Float64,  # of S, where answers were sampled
    "confidence": pl.Float64,  # C, 0 to 1
    "score_trig": pl.Float64,  # C·S, 0 to 1
    "off_mass": pl.Float64,  # probability outside all grades, 0 to 1
    "reason": pl.String,  # why there is no score; null where there is one
}


@dataclass(frozen=True, slots=True)
class Rater:
    """A backend with the settings it is asked by, and the store that knows what it was asked before.

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

        Answers are taken from the store, the pipeline's too, and kept there as they come, so that a call that was stopped goes on where it was;
        without a store everything is asked. `watch` goes through the work, which yields now and then how many questions are done and how many
        there are, equal ones counted once, and may show it. Raises PictureError when a file cannot be read or changes meanwhile; a picture that cannot be
        decoded has no score, and a reason.
        """
        pile = Pile(samples)
        shown = {each.place: each for each in look(pile, self.settings)}
        found = [self._call(sample, dimension, shown[place]) for place, sample in enumerate(samples) for dimension in dimensions]
        grades = list(self.settings.scale.grades)
        patient = self.settings.model_copy(update={"max_failures": len(found)})
        with nullcontext(self.store) if self.store else Store.passing() as store:
            watch((step.done, step.total) for step in answer(found, pile, self.backend, store, patient))
            rows = [{**row(*each, self.backend.revision, self.settings), "grades": grades} for each in said(found, store)]
            return pl.DataFrame(rows, schema=COLUMNS)

    def _call(self, sample: Sample, dimension: Dimension, shown: Shown) -> Call:
        text = rubric(sample.task, dimension, self.settings.scale.grades)
        names = {"image": str(sample.image), "prompt": sample.prompt, "task": sample.task.value, "dimension": dimension.value}
        return call({**names, "rubric": content_key(rubric=text)}, shown, sample.prompt, text, self.backend.revision, self.settings)
