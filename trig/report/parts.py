"""Parts of the report: samples that the page loads when somebody looks."""

import zlib
from base64 import b64encode
from collections.abc import Iterator

import numpy as np
import polars as pl

from trig.report import numbers
from trig.report.contacts import Contact
from trig.report.contents import Gathered
from trig.report.facts.parts import Samples, Scores
from trig.report.facts.rows import as_json
from trig.report.originals import texts
from trig.report.redrawn import redrawn
from trig.report.sheets import Sheet

SAMPLE = ("task", "pair", "data_id", "number")


def place(run: Gathered, sheet: Sheet) -> str:
    """Asset name of a model's subset, by index."""
    return f"{run.models.index(sheet.model)}-{sheet.task}-{sheet.pair}"


def contact_place(run: Gathered, contact: Contact) -> str:
    """Asset name of a model's task, by index."""
    return f"{run.models.index(contact.model)}-{contact.task}"


def all_parts(run: Gathered) -> Iterator[tuple[str, str]]:
    """Names and JSON of the parts: per task `Moves` of any two models, `Draws` and `Samples`; per model and task `Scores`."""
    samples = run.points.select(SAMPLE).unique().sort(SAMPLE)
    roots = run.scores.select("task", "data_id", "root").unique()
    moves = numbers.moves(run.points, roots, run.models)
    shown = texts(run.sheets, run.prompts)
    for task in run.tasks:
        yield f"moves-{task}", as_json(moves[task])
        own = samples.filter(pl.col("task") == task)
        of = {str(pair): part for (pair,), part in own.group_by("pair", maintain_order=True)}
        ids = {pair: part["data_id"].to_list() for pair, part in of.items()}
        told = {pair: part["number"].to_list() for pair, part in of.items()} if run.seeds > 1 else {}
        words = shown.filter(pl.col("task") == task)
        prompts, sources = (dict(words.select("data_id", name).drop_nulls().iter_rows()) for name in ("prompt", "source"))
        rooted = run.points.filter(pl.col("task") == task).join(roots, on=["task", "data_id"], how="left", maintain_order="left")
        yield f"draws-{task}", as_json(redrawn(rooted, run.models, list(ids), run.bootstraps))
        yield f"samples-{task}", as_json(Samples(ids=ids, numbers=told, prompts=prompts, sources=sources))
        for number, model in enumerate(run.models):
            scored = run.points.filter(pl.col("model") == model, pl.col("task") == task).select("pair", "data_id", "number", "x", "y")
            placed = own.join(scored, on=["pair", "data_id", "number"], how="left", maintain_order="left")
            yield f"points-{number}-{task}", as_json(Scores(x=_packed(placed["x"]), y=_packed(placed["y"])))


def _packed(scores: pl.Series) -> str:
    """Scores as packed float64, so the browser classifies exactly what Python did; NaN where missing.

    Byte-shuffled (all first bytes, then all second bytes …) for better deflate compression, then base64.
    """
    doubles = scores.fill_null(float("nan")).to_numpy().astype("<f8").view(np.uint8).reshape(-1, 8)
    return b64encode(zlib.compress(doubles.T.tobytes())).decode()
