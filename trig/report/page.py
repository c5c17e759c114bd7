"""The report as one HTML page that asks nothing of the network: data, charts, styles and the Vega libraries are inside.

A small run's samples and pictures are inside too. Those of a large one lie beside the page, in `files/`, and are loaded when somebody looks at them.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import Any

import jinja2
import numpy as np
import polars as pl
import vl_convert

from trig.dimensions import ABOUT, PAIRS, Relation
from trig.report import charts, numbers, sheets, theme
from trig.report.contents import Contents, Tuning
from trig.report.sheets import Sheet

INSIDE = 16 << 20
"""Bytes of samples and pictures that a page holds at most; more lie beside it."""
FOLDER = "files"
ABOUT_RELATIONS: Mapping[str, str] = {
    Relation.SYNERGY: "both dimensions are high together",
    Relation.BOTTLENECK: "both are low together",
    Relation.TILT: "one is favoured; the arrow points to it",
    Relation.DISPERSION: "they vary independently, or against each other",
    Relation.NONE: "none of the four",
    Relation.TOO_FEW: "too few samples to say",
}
SCORES: Mapping[str, str] = {"expected": "S, the expected grade", "score_trig": "C·S, the expected grade times the judge's confidence"}
CORRELATIONS: Mapping[str, str] = {"spearman": "Spearman's rho", "pearson": "Pearson's r", "kendall": "Kendall's tau"}
SCRIPTS = ("rule.js", "tables.js", "parts.js", "charts.js", "gallery.js", "views.js", "page.js")
POLICY = "default-src 'none'; img-src data: blob:{own}; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'{own}"


@dataclass(frozen=True, slots=True)
class Page:
    """The page and the files that lie beside it, by their names in `files/`."""

    html: str
    beside: Mapping[str, bytes]


def render(contents: Contents) -> Page:
    """The page. The same contents give the same bytes."""
    parts = dict(_parts(contents))
    drawn = {f"sheet-{_place(contents, one)}": contents.pictures[one.key] for one in contents.sheets}
    inside = sum(map(len, [*parts.values(), *drawn.values()])) <= INSIDE
    held = {**parts, **{name: json.dumps(b64encode(webp).decode()) for name, webp in drawn.items()}} if inside else {}
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    html = environment.from_string(_part("page.html")).render(
        policy=POLICY.format(own="" if inside else " 'self' file:"),
        style=theme.style() + _part("page.css"),
        libraries=_libraries(),
        script='(() => {\n"use strict";\n' + "\n".join(map(_part, SCRIPTS)) + "\n})();",
        data=_safe(_json(_facts(contents, inside))),
        parts={name: _safe(text) for name, text in held.items()},
        tiny=contents.tiny,
    )
    if inside:
        return Page(html, {})
    scripts = {f"{name}.js": f"trigPart({_json(name)}, {_safe(text)});\n".encode() for name, text in parts.items()}
    return Page(html, scripts | {f"{name}.webp": webp for name, webp in drawn.items()})


def _part(name: str) -> str:
    return files(__package__).joinpath("web", name).read_text("utf-8")


@cache
def _libraries() -> str:
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=charts.VEGA_LITE))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _safe(text: str) -> str:
    """JSON that cannot end its script element or open a comment, whatever a prompt says."""
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _place(contents: Contents, sheet: Sheet) -> str:
    """A name for a model's subset that says nothing but its place."""
    return f"{contents.models.index(sheet.model)}-{sheet.task}-{sheet.pair}"


def _parts(contents: Contents) -> Iterator[tuple[str, str]]:
    """The samples, as JSON: of each task the names and the prompts that have a picture, of each model and task the scores."""
    samples = contents.points.select("task", "pair", "data_id").unique().sort("task", "pair", "data_id")
    rows = [(sheet.task, sheet.pair, name) for sheet in contents.sheets for name in sheet.names]
    shown = pl.DataFrame(rows, schema={name: samples.schema[name] for name in ("task", "pair", "data_id")}, orient="row").unique()
    texts = contents.prompts.filter(pl.col("split") == "test").select("task", "data_id", "prompt")
    shown = shown.join(texts, on=["task", "data_id"]).sort("task", "pair", "data_id")
    for task in contents.tasks:
        own = samples.filter(pl.col("task") == task)
        ids = {str(pair): part["data_id"].to_list() for (pair,), part in own.group_by("pair", maintain_order=True)}
        prompts = dict(shown.filter(pl.col("task") == task).select("data_id", "prompt").iter_rows())
        yield f"samples-{task}", _json({"ids": ids, "prompts": prompts})
        for number, model in enumerate(contents.models):
            scored = contents.points.filter(pl.col("model") == model, pl.col("task") == task).select("pair", "data_id", "x", "y")
            yield (
                f"points-{number}-{task}",
                _json(_coordinates(own.join(scored, on=["pair", "data_id"], how="left", maintain_order="left"))),
            )


def _coordinates(samples: pl.DataFrame) -> str:
    """Scores as doubles, so that the browser classifies what Python did: of each pair all x, then all y; NaN where one is missing.

    The first bytes of all doubles come first, then the second ones, and so on: so they deflate well. The whole is base64.
    """
    x, y = (samples[side].fill_null(float("nan")).to_numpy().astype("<f8") for side in ("x", "y"))
    sizes = samples.group_by("pair", maintain_order=True).len()["len"].to_numpy()
    ends = np.cumsum(sizes)
    blocks = [side[end - size : end] for end, size in zip(ends, sizes, strict=True) for side in (x, y)]
    doubles = np.concatenate(blocks).view(np.uint8).reshape(-1, 8)
    return b64encode(zlib.compress(doubles.T.tobytes())).decode()


def _facts(contents: Contents, inside: bool) -> dict[str, Any]:
    """What every page of the report needs at once."""
    relations = contents.relations
    present = {task: set(relations.filter(pl.col("task") == task)["pair"]) for task in contents.tasks}
    tasks: list[str | None] = [None, *contents.tasks] if len(contents.tasks) > 1 else [None]
    of = {task: contents.answers if task is None else contents.answers.filter(pl.col("task") == task) for task in tasks}
    return {
        "inside": inside,
        "tiny": contents.tiny,
        "names": {dimension.value: about.name for dimension, about in ABOUT.items()},
        "high": {dimension.value: about.high for dimension, about in ABOUT.items()},
        "groups": {dimension.value: about.group.value for dimension, about in ABOUT.items()},
        "models": contents.models,
        "tasks": contents.tasks,
        "pairs": {task: [str(pair) for pair in PAIRS if str(pair) in present[task]] for task in contents.tasks},
        "samples": contents.points.height,
        "thresholds": contents.thresholds,
        "score": SCORES[contents.score],
        "correlations": CORRELATIONS,
        "legend": [[name, theme.GLYPHS[name], about] for name, about in ABOUT_RELATIONS.items()],
        "relations": {"columns": relations.columns, "rows": relations.rows()},
        "means": [{**row, "task": task} for task, answers in of.items() for row in numbers.means(answers, contents.score).to_dicts()],
        "levels": [{**row, "task": task} for task, answers in of.items() for row in numbers.levels(answers, contents.score).to_dicts()],
        "maps": [[model, task, _groups(lines)] for (model, task), lines in contents.maps.items()],
        "overall": {task: _groups(lines) for task, lines in contents.overall.items()},
        "agreements": list(contents.agreements),
        "changes": {f"{a}|{b}": rows for (a, b), rows in _changes(contents).items()},
        "tunings": [asdict(one) for one in contents.tunings],
        "sheets": {_place(contents, one): _laid(contents, one) for one in contents.sheets},
        "judged": numbers.judged(contents.answers).to_dicts(),
        "modes": contents.answers.drop_nulls("mode").group_by("judge", "engine", "mode").len().sort("judge", "engine", "mode").rows(),
        "histograms": {column: numbers.histogram(contents.answers, column) for column in ("confidence", "off_mass")},
        "nulls": numbers.nulls(contents.answers, contents.score),
        "yardstick": asdict(contents.yardstick) if contents.yardstick else None,
        "gates": [asdict(gate) for gate in contents.gates],
        "versions": contents.versions,
        "settings": contents.settings,
        "published": _published(contents),
        "specs": _specs(contents),
        "first": _first(contents),
    }


def _specs(contents: Contents) -> dict[str, charts.Spec]:
    high = charts.intervals_height(contents.models)
    least = f"datum.value <= {numbers.LEAST_MASS} ? '≤ ' + datum.label : datum.label"
    return {
        "matrix": charts.spec(charts.matrix()),
        "graph": charts.spec(charts.graph()),
        "scatter": charts.spec(charts.scatter()),
        "means": charts.spec(charts.intervals(contents.models, "mean score, 0 to 1").properties(height=high)),
        "change": charts.spec(charts.change()),
        "confidence": charts.spec(charts.histogram("confidence C", (0, 1))),
        "off_mass": charts.spec(charts.histogram("off-grade mass, powers of ten", (numbers.LEAST_MASS, 0), least)),
    }


def _first(contents: Contents) -> list[str]:
    """Model, task and pair to open with: the first pair that a model was tuned for, else the first that shows a relation."""
    asked = {(one.base, pair) for one in contents.tunings for pair in one.pairs}
    rows = contents.relations.select("model", "task", "pair", "relation").rows()
    return list(min(rows, key=lambda row: ((row[0], row[2]) not in asked, row[3] in (Relation.NONE, Relation.TOO_FEW)))[:3])


def _laid(contents: Contents, sheet: Sheet) -> list[object]:
    """How pictures lie on a sheet: columns, rows, width and height of one, and their names."""
    width, height = sheets.size(contents.pictures[sheet.key])
    return [sheet.columns, sheet.rows, width // sheet.columns, height // sheet.rows, sheet.names]


def _changes(contents: Contents) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """How the means of any two models differ, the earlier of the roster first; a tuned model comes after the model it was tuned from."""
    tuned = {(one.base, one.tuned): one for one in contents.tunings}
    order = [(b, a) if (b, a) in tuned else (a, b) for a, b in combinations(contents.models, 2)]
    found = numbers.couples(contents.scores, contents.score) if order else {}
    return {couple: _rows([*_trained(contents, tuned.get(couple)), *found[couple]]) for couple in order}


def _trained(contents: Contents, tuning: Tuning | None) -> list[dict[str, Any]]:
    """The changes of the pairs that a model was tuned for."""
    if tuning is None:
        return []
    return numbers.changes(contents.scores, tuning, contents.score).drop_nulls("pair").to_dicts()


def _rows(changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """With a label, and whether it is a rise or a fall whose interval leaves 0 out."""
    return [
        {
            "pair": None,
            **row,
            "kind": "unclear" if row["low"] is None or row["low"] <= 0 <= row["high"] else "rise" if row["low"] > 0 else "fall",
            "label": f"★ {row['dimension']} in {row['pair']}" if row.get("pair") else charts.label(row["dimension"]),
        }
        for row in changes
    ]


def _groups(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Name and members of each group."""
    return [(name, members) for name, _, members in (line.partition(": ") for line in lines)]


def _published(contents: Contents) -> dict[str, Any] | None:
    if contents.published is None:
        return None
    means = contents.published.means.group_by("task", "model", "dtm", maintain_order=True).agg("dimension", "mean")
    rows = [
        {"task": task, "model": model, "dtm": dtm, "means": dict(zip(codes, values, strict=True))}
        for task, model, dtm, codes, values in means.select("task", "model", "dtm", "dimension", "mean").iter_rows()
    ]
    maps = [[model, task, _groups(lines)] for (model, task), lines in contents.published.maps.items()]
    columns = ["model", "task", "pair", "relation", "leaning", "rho"]
    return {
        "source": contents.published.source,
        "means": rows,
        "relations": contents.published.relations.select(columns).rows(),
        "maps": maps,
    }
