"""Renders the report as one self-contained, offline HTML page with data, charts, styles and Vega inlined."""

from collections.abc import Mapping
from importlib.resources import files

import jinja2
import polars as pl

from trig.report import theme
from trig.report.contents import Contents
from trig.report.digest import safe
from trig.report.facts.page import Facts, First, Relations
from trig.report.facts.rows import as_json, columns
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import PAIRS
from trig.vocabulary.relations import Relation

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
SCRIPTS = (
    "rule.js",
    "tables.js",
    "parts.js",
    "charts.js",
    "keys.js",
    "map.js",
    "gallery.js",
    "contact.js",
    "figures.js",
    "prompting.js",
    "proof.js",
    "glance.js",
    "overview.js",
    "scatter.js",
    "pair.js",
    "front.js",
    "views.js",
    "compare.js",
    "about.js",
    "page.js",
)
POLICY = "default-src 'none'; img-src data: blob:{own}; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'{own}"


def render(contents: Contents) -> str:
    """HTML of the page. Deterministic."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_part("page.html")).render(
        policy=POLICY.format(own="" if contents.digest.facts["inside"] else " 'self' file:"),
        style=theme.style() + _part("page.css"),
        libraries=contents.digest.libraries,
        script='(() => {\n"use strict";\n' + "\n".join(map(_part, SCRIPTS)) + "\n})();",
        data=safe(as_json(facts(contents))),
        parts={name: safe(text) for name, text in contents.digest.parts.items()},
        tiny=contents.digest.tiny,
    )


def _part(name: str) -> str:
    return files(__package__).joinpath("web", name).read_text("utf-8")


def facts(contents: Contents) -> Facts:
    """Facts loaded with the page: the digest and the threshold-dependent part."""
    relations = contents.relations
    present = {task: set(relations.filter(pl.col("task") == task)["pair"]) for task in contents.tasks}
    return {
        **contents.digest.facts,
        "names": {dimension.value: about.name for dimension, about in ABOUT.items()},
        "high": {dimension.value: about.high for dimension, about in ABOUT.items()},
        "groups": {dimension.value: about.group.value for dimension, about in ABOUT.items()},
        "tasks": contents.tasks,
        "pairs": {task: [str(pair) for pair in PAIRS if str(pair) in present[task]] for task in contents.tasks},
        "thresholds": contents.thresholds,
        "score": SCORES[contents.thresholds.score],
        "correlations": CORRELATIONS,
        "legend": [{"relation": name, "glyph": theme.GLYPHS[name], "about": about} for name, about in ABOUT_RELATIONS.items()],
        "relations": columns(Relations, relations),
        "maps": [{"model": model, "task": task, "groups": groups} for (model, task), groups in contents.maps.items()],
        "overall": contents.overall,
        "agreements": contents.agreements,
        "gates": contents.gates,
        "published": contents.published,
        "first": _first(contents),
    }


def _first(contents: Contents) -> First:
    """Initial selection: the first target pair of a tuning, else the first pair with a relation."""
    asked = {(one.base, pair) for one in contents.digest.facts["tunings"] for pair in one.pairs}
    rows = contents.relations.select("model", "pair", "relation").rows()
    model, pair, _ = min(rows, key=lambda row: (row[:2] not in asked, row[2] in (Relation.NONE, Relation.TOO_FEW)))
    return {"model": model, "pair": pair}
