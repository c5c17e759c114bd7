"""What is measured of the pictures beside their scores: figures, how scores go with them, and diversity over a prompt's seeds.

Intervals are 95 % cluster-robust ones; a cluster is a root prompt. A picture or prompt that belongs to several pairs counts once per model.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from trig import tables
from trig.classify.samples import rooted
from trig.errors import TableError
from trig.report.facts.figures import Diverse, Figures, Gap, Level, Link
from trig.report.facts.rows import rows
from trig.report.numbers import clustered_means
from trig.stats import paired
from trig.stats.correlation import correlation
from trig.stats.fdr import q_values
from trig.tables.figures import DIVERSITY, FIGURES
from trig.tables.scores import distinct
from trig.vocabulary.about_figures import ABOUT
from trig.vocabulary.figures import Figure

PICTURE = ("model", "task", "data_id", "number")
SPREADS = ("vendi", "distance")
LINKS: Mapping[str, type[pl.DataType]] = {
    **dict.fromkeys(("task", "model", "dimension", "figure", "within"), pl.String),
    **dict.fromkeys(("r", "low", "high", "p"), pl.Float64),
    "n": pl.Int64,
}
TINY = 9
"""Decimals of deviations within a prompt: what is left of equal values is not a deviation."""
DECIMALS = 4
"""Decimals of metrics.json and of correlations."""


class Pixels(NamedTuple):
    """What was measured of the roster's pictures; both with `root`, the number of the root prompt."""

    figures: pl.DataFrame  # FIGURES
    diversity: pl.DataFrame  # DIVERSITY


def read(folder: Path, roster: Sequence[str], prompts: pl.DataFrame) -> Pixels:
    """Reads both tables of each model of the roster. Raises TableError where a model has none."""
    return Pixels(*(_read(folder, table, roster, prompts) for table in (FIGURES, DIVERSITY)))


def _read(folder: Path, table: tables.Table, roster: Sequence[str], prompts: pl.DataFrame) -> pl.DataFrame:
    files = {model: folder / model / f"{table.name}.parquet" for model in roster}
    for model, file in files.items():
        if not file.exists():
            raise TableError(f"{file}: {model!r} is in generate.roster and has no {table.name}; run `dvc repro gate-images@{model}`")
    return rooted(pl.concat([tables.read(file, table) for file in files.values()]), prompts)


def told(pixels: Pixels, answers: pl.DataFrame, score: str, models: Sequence[str]) -> Figures:
    """Facts of the report. `answers` are scores without duplicates, with `root`."""
    diversity = pixels.diversity.filter(pl.col("vendi").is_not_null().any())
    return {
        "about": [{"figure": figure.value, "name": about.name, "means": about.means} for figure, about in ABOUT.items()],
        "levels": rows(Level, _over_tasks(levels, pixels.figures)),
        "links": rows(Link, links(pixels.figures, answers, score)),
        "diverse": rows(Diverse, _over_tasks(diverse, diversity)) if diversity.height else [],
        "gaps": [gap for task, own in _tasks(diversity) for gap in gaps(own, models, task)],
        "features": ", ".join(diversity["features"].unique().sort()) or None,
    }


def levels(figures: pl.DataFrame) -> pl.DataFrame:
    """Mean of each figure per model: model, figure, mean, low, high, n, nulls."""
    long = distinct(figures).unpivot(list(Figure), index=["model", "root"], variable_name="figure", value_name="value")
    return clustered_means(long, ("model", "figure"), "value")


def links(figures: pl.DataFrame, answers: pl.DataFrame, score: str) -> pl.DataFrame:
    """Correlation of each dimension's score with each figure, within a model and task: the columns of `Link`.

    Over `pictures`, a score may follow a figure because prompts ask for both. Within `prompts`, where one has several pictures, the prompt is
    held constant.
    """
    both = (
        answers.select(*PICTURE, "root", "dimension", score=pl.col(score))
        .drop_nulls("score")
        .join(figures.select(*PICTURE, *Figure), on=PICTURE, maintain_order="left")
    )
    columns = ["score", *Figure]
    mean = pl.col(columns).mean().over("model", "task", "dimension", "data_id")
    ways = {"pictures": both, "prompts": both.with_columns((pl.col(columns) - mean).round(TINY)) if both["number"].max() else both.clear()}
    found = [row for within, frame in ways.items() for row in _links(frame, within)]
    made = pl.DataFrame(found, schema=LINKS, orient="row")
    return pl.concat([_corrected(own) for own in made.partition_by("task", "model", "within", maintain_order=True)] or [_corrected(made)])


def _links(both: pl.DataFrame, within: str) -> Iterator[tuple[object, ...]]:
    for (task, model, dimension), own in sorted(both.partition_by("task", "model", "dimension", as_dict=True).items()):
        for figure in Figure:
            known = own.drop_nulls(figure.value).sort("root", "data_id", "number")
            found = correlation(known["score"].to_numpy(), known[figure.value].to_numpy(), known["root"].to_numpy())
            if found.value is not None:
                yield (task, model, dimension, figure.value, within, *found, known.height)


def _corrected(found: pl.DataFrame) -> pl.DataFrame:
    q = q_values(found["p"].fill_null(float("nan")).to_numpy())
    told = found.with_columns(q=pl.Series(q, dtype=pl.Float64).fill_nan(None)).drop("p")
    return told.with_columns(pl.col("r", "low", "high", "q").round(DECIMALS))


def diverse(diversity: pl.DataFrame) -> pl.DataFrame:
    """Mean diversity per model: the columns of `Diverse`."""
    once = diversity.unique(["model", "key"], keep="first", maintain_order=True)
    vendi, distance = (
        clustered_means(once, ("model",), name).rename({"mean": name, "low": f"{name}_low", "high": f"{name}_high"}) for name in SPREADS
    )
    return vendi.join(distance.drop("n", "nulls"), on="model", maintain_order="left")


def gaps(diversity: pl.DataFrame, models: Sequence[str], task: str | None = None) -> Iterator[Gap]:
    """Paired differences of diversity of any two models, from earlier to later ones."""
    known = diversity.drop_nulls("vendi")
    for a, b in combinations(models, 2):
        shared = paired.once(paired.both(known, a, b, ("task", "data_id"), ("key", *SPREADS))).sort("task", "data_id")
        vendi, distance = (paired.moved(shared, name) for name in SPREADS)
        if vendi is None or distance is None:
            continue
        assert vendi.change.value is not None and distance.change.value is not None  # there is a prompt
        yield {
            "task": task,
            "a": a,
            "b": b,
            "n": vendi.n,
            "vendi": vendi.change.value,
            "vendi_low": vendi.change.low,
            "vendi_high": vendi.change.high,
            "distance": distance.change.value,
            "distance_low": distance.change.low,
            "distance_high": distance.change.high,
        }


def beside(metrics: Mapping[str, Any], found: Figures) -> dict[str, Any]:
    """The metrics of a run with what was measured of each model's pictures, over all tasks; diversity where a prompt has several."""
    figures = {
        (row["model"], row["figure"]): _rounded(row, ("mean", "low", "high", "n", "nulls"))
        for row in found["levels"]
        if row["task"] is None
    }
    spread = [name for name in Diverse.__annotations__ if name not in ("task", "model")]
    spreads = {row["model"]: _rounded(row, spread) for row in found["diverse"] if row["task"] is None}
    models = {
        model: own
        | {"figures": {figure: figures[model, figure] for figure in map(str, Figure) if (model, figure) in figures}}
        | ({"diversity": spreads[model]} if model in spreads else {})
        for model, own in metrics["models"].items()
    }
    return {**metrics, "models": models}


def _rounded(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, object]:
    return {name: round(value, DECIMALS) if isinstance(value := row[name], float) else value for name in names}


def _over_tasks(of: Callable[[pl.DataFrame], pl.DataFrame], frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([of(own).with_columns(task=pl.lit(task, pl.String)) for task, own in _tasks(frame)])


def _tasks(frame: pl.DataFrame) -> list[tuple[str | None, pl.DataFrame]]:
    """All rows, and where there are several tasks those of each."""
    every = frame["task"].unique().sort().cast(pl.String).to_list()
    return [(None, frame), *((task, frame.filter(pl.col("task") == task)) for task in every if len(every) > 1)]
