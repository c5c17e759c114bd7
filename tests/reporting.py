"""A report on an invented run, put together as the stages do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import synthetic

from trig import published, tables
from trig.classify import compare
from trig.classify import map as dtm
from trig.classify.answered import answered
from trig.classify.relations import relations
from trig.classify.samples import points, rooted
from trig.report import page, publish, sheets, stills
from trig.report.beside import lay
from trig.report.contents import Contents, Gate, Judged, Published, Tuning, Yardstick
from trig.report.digest import digest
from trig.report.sheets import Sheet
from trig.store import Store
from trig.tables.prompts import PROMPTS
from trig.tables.scores import SCORES, distinct

THRESHOLDS = synthetic.thresholds()


@dataclass(frozen=True)
class Run:
    """All that a report is made of, before and after the thresholds, so that a test can change any of it."""

    models: tuple[str, ...]
    prompts: pl.DataFrame
    scores: pl.DataFrame
    answers: pl.DataFrame
    points: pl.DataFrame
    relations: pl.DataFrame
    maps: Mapping[tuple[str, str], tuple[str, ...]]
    overall: Mapping[str, tuple[str, ...]]
    agreements: Sequence[Mapping[str, object]]
    sheets: Sequence[Sheet]
    pictures: Mapping[str, bytes]
    thresholds: Mapping[str, object]
    metrics: Mapping[str, Any]
    tiny: bool
    tunings: tuple[Tuning, ...]
    gates: tuple[Gate, ...]
    versions: Mapping[str, str]
    settings: Mapping[str, str]
    yardstick: Yardstick | None
    published: Published | None

    @property
    def score(self) -> str:
        return str(self.thresholds["score"])

    @property
    def judged(self) -> Judged:
        """What no limit of the rule decides."""
        return Judged(
            *(
                self.models,
                self.prompts,
                self.scores,
                self.answers,
                self.points,
                self.score,
                self.sheets,
                self.pictures,
                self.metrics,
                self.tiny,
            ),
            *(self.tunings, self.versions, self.settings, self.yardstick),
        )

    @property
    def contents(self) -> Contents:
        made, _ = digest(self.judged)
        return Contents(made, self.relations, self.maps, self.overall, self.agreements, self.thresholds, self.gates, self.published)

    @property
    def html(self) -> str:
        return page.render(self.contents)

    def write(self, folder: Path) -> None:
        """Every file of the report but the still of the dimensions."""
        _, beside = digest(self.judged)
        lay(beside, folder)
        publish.publish(self.contents, {}, folder)

    @property
    def stills(self) -> tuple[bytes, bytes]:
        return stills.maps(self.contents), stills.dimensions(self.judged)


def run_of(root: Path, rows: int = 12, per_pair: int = 3) -> Run:
    """A run of three models, 42 pairs and `rows` prompts each, written to `root`."""
    synthetic.write(root, rows)
    prompts = tables.read(root / "prompts.parquet", PROMPTS)
    scores = rooted(pl.concat([tables.read(root / "scores" / f"{model}.parquet", SCORES) for model in synthetic.MODELS]), prompts)
    found, shown = relations(scores, THRESHOLDS), picked(scores, per_pair)
    with Store.open(root / "work") as store:
        list(sheets.draw(shown, root / "images", store))
        pictures = sheets.drawn(shown, store)
    return Run(
        *(synthetic.MODELS, prompts, scores, distinct(scores), points(scores, THRESHOLDS.score), found),
        maps=dtm.all_lines(found),
        overall=dtm.overall_lines(found),
        agreements=compare.all_agreements(found, synthetic.MODELS),
        sheets=shown,
        pictures=pictures,
        metrics=answered(scores, prompts),
        thresholds=THRESHOLDS.model_dump(),
        tiny=True,
        tunings=(Tuning("tiny", "tiny-dtm", ("IQ-R_TA-S",), {"steps": "200"}),),
        gates=(Gate("prompts", True, 9, (), "gates/prompts.html"), Gate("scores", False, 7, ("<b>3 rows</b> fail",))),
        versions={"judge": "tiny-judge@0123abcd"},
        settings={"seed": "42"},
        yardstick=Yardstick("the truth", {"IQ-R": 0.97, "IQ-O": 0.5}, {"IQ-R": 200, "IQ-O": 200}),
        published=Published(published.SOURCE, published.means(), published.relations(), dtm.all_lines(published.relations())),
    )


def picked(scores: pl.DataFrame, per_pair: int) -> list[Sheet]:
    """The pictures that a report shows, as the stage picks them."""
    return sheets.pick(points(scores, THRESHOLDS.score), scores, per_pair)
