"""The contents of a report on an invented run, put together as the stage does."""

from pathlib import Path

import polars as pl
import synthetic

from trig import published, tables
from trig.classify import compare
from trig.classify import map as dtm
from trig.classify.relations import relations
from trig.classify.samples import points
from trig.report import sheets
from trig.report.contents import Contents, Gate, Published, Tuning, Yardstick
from trig.report.sheets import Sheet
from trig.store import Store

THRESHOLDS = synthetic.thresholds()


def contents_of(root: Path, rows: int = 12, per_pair: int = 3) -> Contents:
    """A run of three models, 42 pairs and `rows` prompts each, written to `root`."""
    synthetic.write(root, rows)
    prompts = tables.read(root / "prompts.parquet", tables.PROMPTS)
    scores = pl.concat([tables.read(root / "scores" / f"{model}.parquet", tables.SCORES) for model in synthetic.MODELS])
    found, shown = relations(scores, THRESHOLDS), picked(scores, per_pair)
    with Store.open(root / "work") as store:
        list(sheets.draw(shown, root / "images", store))
        pictures = sheets.drawn(shown, store)
    return Contents(
        *(synthetic.MODELS, prompts, scores, tables.distinct(scores), points(scores, THRESHOLDS.score), found),
        maps=dtm.all_lines(found),
        overall=dtm.overall_lines(found),
        agreements=compare.all_agreements(found, synthetic.MODELS),
        sheets=shown,
        pictures=pictures,
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
