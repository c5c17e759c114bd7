"""The contents of a report on an invented run, put together as the stage does."""

from pathlib import Path

import polars as pl
import synthetic

from trig import published, tables
from trig.classify import compare
from trig.classify import map as dtm
from trig.classify.correlations import correlations
from trig.classify.relations import located, relations
from trig.report import sheets
from trig.report.contents import Contents, Gate, Published, Tuning, Yardstick

THRESHOLDS = synthetic.thresholds()


def contents_of(root: Path, rows: int = 12, per_pair: int = 3) -> Contents:
    """A run of three models, 42 pairs and `rows` prompts each, written to `root`."""
    synthetic.write(root, rows)
    prompts = tables.read(root / "prompts.parquet", tables.PROMPTS)
    scores = pl.concat([tables.read(root / "scores" / f"{model}.parquet", tables.SCORES) for model in synthetic.MODELS])
    found, points = relations(scores, THRESHOLDS), located(scores, THRESHOLDS)
    picked = sheets.pick(points, per_pair)
    return Contents(
        *(synthetic.MODELS, prompts, scores, points, found, correlations(scores, THRESHOLDS)),
        maps=dtm.all_lines(found),
        agreements=compare.all_agreements(found, synthetic.MODELS),
        picked=picked,
        sheets=tuple(sheets.draw(root / "images", synthetic.MODELS, picked)),
        thresholds=THRESHOLDS.model_dump(),
        tiny=True,
        tunings=(Tuning("tiny", "tiny-dtm", ("IQ-R_TA-S",), {"steps": "200"}),),
        gates=(Gate("prompts", True, 9, (), "gates/prompts.html"), Gate("scores", False, 7, ("<b>3 rows</b> fail",))),
        versions={"judge": "tiny-judge@0123abcd"},
        settings={"seed": "42"},
        yardstick=Yardstick("the truth", {"IQ-R": 0.97, "IQ-O": 0.5}, {"IQ-R": 200, "IQ-O": 200}),
        published=Published(published.SOURCE, published.means(), published.relations(), dtm.all_lines(published.relations())),
    )
