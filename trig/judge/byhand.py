"""A judge for pictures that no pipeline made: files, and what they were made from."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import polars as pl

from trig import params
from trig.dimensions import Dimension
from trig.judge.labels import labels
from trig.judge.rating import Rating, rate
from trig.judge.samples import Sample
from trig.keys import content_key
from trig.protocols import Answer, Refusal
from trig.protocols import Judge as Backend

AT_A_TIME = 256
"""Pictures held in memory."""
COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "image": pl.String,
    "prompt": pl.String,
    "task": pl.String,
    "dimension": pl.String,
    "judge": pl.String,  # name@revision
    "engine": pl.String,
    "mode": pl.String,  # exact, top or sampled; null without an answer
    "rubric": pl.String,  # hash of the question's text
    "tokens": pl.Int64,  # of the question, pictures included; null where they are not told
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
class Judge:
    """A backend with the settings it is asked by.

    >>> settings = params.load()
    >>> Judge(trig.backends.judges.load(settings), settings.judge).score([Sample(Path("a.png"), "a red ball")])
    """

    backend: Backend
    settings: params.Judge

    def score(
        self,
        samples: Sequence[Sample],
        dimensions: Sequence[Dimension] = tuple(Dimension),
        watch: Callable[[Iterator[tuple[int, int]]], object] = deque,
    ) -> pl.DataFrame:
        """One row per sample and dimension, in order, with the columns of `COLUMNS`: (samples · dimensions, 17).

        `watch` goes through the work, which yields after each answer how many there are and how many there will be, and may show it. Raises
        PictureError when a file cannot be read; a picture that cannot be decoded has no score, and a reason.
        """
        rows: list[dict[str, object]] = []
        watch(self._rows(samples, dimensions, rows))
        return pl.DataFrame(rows, schema=COLUMNS)

    def _rows(self, samples: Sequence[Sample], dimensions: Sequence[Dimension], rows: list[dict[str, object]]) -> Iterator[tuple[int, int]]:
        ids = labels(self.settings.scale, self.backend.encode)
        total = len(samples) * len(dimensions)
        for start in range(0, len(samples), AT_A_TIME):
            some = samples[start : start + AT_A_TIME]
            asked = [(sample, dimension) for sample in some for dimension in dimensions]
            questions = [question for sample in some for question in sample.questions(dimensions, self.settings)]
            said: dict[int, Answer | Refusal] = {}
            for place, answer in self.backend.ask(questions, ids):
                said[place] = answer
                yield len(rows) + len(said), total
            rows.extend(
                self._row(sample, dimension, content_key(rubric=question.rubric), said[place])
                for place, ((sample, dimension), question) in enumerate(zip(asked, questions, strict=True))
            )

    def _row(self, sample: Sample, dimension: Dimension, rubric: str, said: Answer | Refusal) -> dict[str, object]:
        rating: Rating = rate(said, self.settings.max_off_mass, self.settings.scale)
        answered = said if isinstance(said, Answer) else None
        return {
            "image": str(sample.image),
            "prompt": sample.prompt,
            "task": sample.task.value,
            "dimension": dimension.value,
            "judge": f"{self.settings.name}@{self.backend.revision}",
            "engine": self.backend.engine,
            "mode": answered and answered.mode,
            "rubric": rubric,
            "tokens": answered and answered.tokens,
            "grades": list(self.settings.scale.grades),
            **asdict(rating),
        }
