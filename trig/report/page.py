"""The report as one HTML page that needs nothing but itself: data, charts, pictures, styles and the Vega libraries are inside."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import polars as pl
import vl_convert

from trig.dimensions import ABOUT, PAIRS, Dimension, Relation
from trig.report import charts, numbers, theme
from trig.report.contents import Contents, Tuning

ABOUT_RELATIONS: Mapping[str, str] = {
    Relation.SYNERGY: "both dimensions are high together",
    Relation.BOTTLENECK: "both are low together",
    Relation.TILT: "one is favoured; the arrow points to it",
    Relation.DISPERSION: "they vary independently",
    Relation.NONE: "none of the four",
    Relation.TOO_FEW: "too few samples to say",
}
SCORES: Mapping[str, str] = {"expected": "S, the expected grade", "score_trig": "C·S, the expected grade times the judge's confidence"}


def render(contents: Contents) -> str:
    """The page. The same contents give the same text."""
    means = numbers.means(contents.scores, contents.score)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_part("page.html")).render(
        contents=contents,
        style=theme.style() + _part("page.css"),
        script=_part("page.js"),
        libraries=_libraries(),
        data=_embed(_payload(contents, means)),
        means=_table(means, contents.models),
        tunings=[_tuning(contents, tuning) for tuning in contents.tunings],
        legend=[(name, theme.GLYPHS[name], about) for name, about in ABOUT_RELATIONS.items()],
        score=SCORES[contents.score],
        about=ABOUT,
        nulls=_nulls(contents),
        cards=_cards(contents),
    )


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


@cache
def _libraries() -> str:
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=charts.VEGA_LITE))


def _embed(payload: object) -> str:
    """JSON that cannot end its script element or open a comment, whatever a prompt says."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _payload(contents: Contents, means: pl.DataFrame) -> dict[str, Any]:
    uris = contents.pictures["uri"].unique(maintain_order=True).to_list()
    place = {uri: number for number, uri in enumerate(uris)}
    shown = {row[:-1]: place[row[-1]] for row in contents.pictures.select("model", "task", "pair", "data_id", "uri").iter_rows()}
    roster = pl.col("model").cast(pl.Enum(contents.models))
    points = contents.points.sort("task", "pair", "data_id", roster)
    points = points.select("model", "task", "pair", "data_id", pl.col("x", "y").round(4), "region")
    return {
        "names": {dimension.value: about.name for dimension, about in ABOUT.items()},
        "models": contents.models,
        "tasks": contents.tasks,
        "pairs": [str(pair) for pair in PAIRS if str(pair) in set(contents.relations["pair"])],
        "first": _first(contents),
        "specs": _specs(contents, means),
        "cards": {f"{kind}-{card['id']}": card for card in _cards(contents) for kind in ("matrix", "graph")},
        "relations": [_relation(row, contents) for row in contents.relations.iter_rows(named=True)],
        "points": [[*row, shown.get(row[:4])] for row in points.iter_rows()],
        "prompts": _prompts(contents),
        "pictures": uris,
    }


def _prompts(contents: Contents) -> dict[str, str]:
    wanted = contents.prompts.filter(pl.col("split") == "test").join(contents.pictures, on=["task", "data_id"], how="semi")
    return {f"{task}/{data_id}": prompt for task, data_id, prompt in wanted.select("task", "data_id", "prompt").iter_rows()}


def _specs(contents: Contents, means: pl.DataFrame) -> dict[str, charts.Spec]:
    found = {
        "scatter": charts.spec(charts.scatter(contents.thresholds)),
        "dimensions": charts.spec(charts.dimensions(means, contents.models).properties(height=charts.dimensions_height(contents.models))),
    }
    for card in _cards(contents):
        own = contents.relations.filter(pl.col("model") == card["model"], pl.col("task") == card["task"])
        level = dict(means.filter(pl.col("model") == card["model"]).select("dimension", "mean").drop_nulls().iter_rows())
        found[f"matrix-{card['id']}"] = charts.spec(charts.matrix(own, level))
        found[f"graph-{card['id']}"] = charts.spec(charts.graph(own))
    for tuning in contents.tunings:
        rows = _changes(contents, tuning)
        found[f"change-{tuning.tuned}"] = charts.spec(charts.change(rows).properties(height=40 + 26 * len(rows)))
    return found


def _first(contents: Contents) -> list[str]:
    """Model, task and pair to open with: the first pair that a model was tuned for, else the first that shows a relation."""
    asked = {(one.base, pair) for one in contents.tunings for pair in one.pairs}
    rows = contents.relations.select("model", "task", "pair", "relation").rows()
    return list(min(rows, key=lambda row: ((row[0], row[2]) not in asked, row[3] in (Relation.NONE, Relation.TOO_FEW)))[:3])


def _relation(row: Mapping[str, Any], contents: Contents) -> dict[str, Any]:
    kept = {name: row[name] for name in ("model", "task", "pair", "relation", "leaning", "mean_x", "mean_y", "n", "nulls")}
    return kept | {"line": numbers.segment(row), "text": numbers.verdict(row, contents.thresholds)}


def _cards(contents: Contents) -> list[dict[str, Any]]:
    """One map per model and task, with its groups in words."""
    found: list[dict[str, Any]] = []
    for number, (model, task) in enumerate((model, task) for model in contents.models for task in contents.tasks):
        own = contents.relations.filter(pl.col("model") == model, pl.col("task") == task)
        if own.is_empty():
            continue
        counts = {name: own.filter(pl.col("relation") == name).height for name in Relation}
        groups = [line.partition(": ")[::2] for line in contents.maps.get((model, task), ())]
        found.append({"id": number, "model": model, "task": task, "counts": counts, "groups": groups})
    return found


def _table(means: pl.DataFrame, models: tuple[str, ...]) -> list[dict[str, Any]]:
    value = {(model, code): (mean, n) for model, code, mean, n in means.select("model", "dimension", "mean", "n").iter_rows()}
    rows = [
        {"code": code.value, "name": ABOUT[code].name, "cells": [value.get((model, code.value)) for model in models]} for code in Dimension
    ]
    return [row for row in rows if any(row["cells"])]


def _nulls(contents: Contents) -> list[tuple[str, str, int]]:
    """How often a score is missing, per model and reason."""
    missing = contents.scores.filter(pl.col(contents.score).is_null())
    counted = missing.group_by("model", pl.col("reason").fill_null("no reason given")).agg(n=pl.len())
    return list(counted.sort("model", "reason").iter_rows())


def _changes(contents: Contents, tuning: Tuning) -> list[dict[str, Any]]:
    rows = numbers.changes(contents.scores, tuning, contents.score).to_dicts()
    for row in rows:
        row["kind"] = "unclear" if row["low"] is None or row["low"] <= 0 <= row["high"] else "rise" if row["low"] > 0 else "fall"
        row["label"] = f"★ {row['dimension']} in {row['pair']}" if row["pair"] else charts.label(row["dimension"])
    return rows


def _tuning(contents: Contents, tuning: Tuning) -> dict[str, Any]:
    return {"tuning": tuning, "rows": _changes(contents, tuning)}
