"""Assembles what the report tells whatever the thresholds, and writes it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from trig import tables
from trig.classify.answered import answered
from trig.classify.samples import points
from trig.files import replace
from trig.params.thresholds import Thresholds
from trig.report import measures, sheets, stills
from trig.report.beside import lay
from trig.report.contents import Background, Gathered
from trig.report.digest import digest, packed
from trig.report.measures import Pixels
from trig.report.sheets import Sheet
from trig.tables.made import Made
from trig.tables.points import POINTS
from trig.tables.scores import distinct


def picked(scores: pl.DataFrame, score: str, per_pair: int) -> list[Sheet]:
    """Contact sheets of the pictures to show, by the score that is classified."""
    return sheets.pick(points(scores, score), scores, per_pair)


def gathered(
    models: Sequence[str],
    prompts: pl.DataFrame,
    scores: pl.DataFrame,
    thresholds: Thresholds,
    shown: Sequence[Sheet],
    pictures: Mapping[str, bytes],
    background: Background,
    pixels: Pixels,
    originals: Mapping[str, bytes],
    libraries: str,
) -> Gathered:
    """Threshold-independent part of a run: of `thresholds` only `score` and `bootstraps` matter.

    `scores` have `root`, `pictures` the sheets that are `shown`, as `trig.report.sheets.drawn`, `originals` the sources of their samples, as
    `trig.report.originals.drawn`, and `libraries` the script of `trig.report.libraries`.
    """
    answers, score = distinct(scores), thresholds.score
    told = measures.told(pixels, answers, score, models)
    return Gathered(
        *(tuple(models), prompts, scores, answers, points(scores, score), score, thresholds.bootstraps, shown, pictures),
        metrics=measures.beside(answered(scores, prompts), told),
        background=background,
        pixels=pixels.figures,
        figures=told,
        originals=originals,
        libraries=libraries,
    )


def write(run: Gathered, folder: Path, reports: Path, made: Made | None = None) -> None:
    """Writes the digest into the folder, and the assets and dimensions.png into `reports`. Deterministic. `made`: what made the table of points."""
    facts, beside = digest(run)
    lay(beside, reports)
    replace(reports / "dimensions.png", stills.dimensions(run))
    tables.write(run.points, POINTS, folder / "points.parquet", made)
    replace(folder / "facts.json", packed(facts))
