"""Curves of a knob in the report: their facts, the chart of the plane of two dimensions, its static images, and metrics."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from trig.fronts.measure import found_conflicts, measure
from trig.params.thresholds import Thresholds
from trig.report import charts
from trig.report.contents import Gathered
from trig.report.facts.fronts import Area, Curve, Fronts, Setting, Turned
from trig.report.facts.rows import rows
from trig.report.markdown import code
from trig.report.theme import MODELS

OTHER = "other models"
MOST = 6
"""Maximum conflicts in a line of the summary."""
SPAN = 0.1
"""Shortest range of an axis of a plane."""
ENDS = ("x_low", "x_high", "y_low", "y_high")
NOTHING: Fronts = {"curves": [], "settings": [], "areas": [], "turned": []}


def facts(run: Gathered) -> Fronts:
    """Facts of the curves of a run; none without any."""
    curves = run.background.curves
    if not curves:
        return NOTHING
    roots = run.scores.select("task", "data_id", "root").unique()
    found = measure(run.points, roots, run.models, curves)
    told: list[Curve] = [
        {"name": one.name, "knob": one.knob, "models": one.models, "values": [value for _, value in one.settings]} for one in curves
    ]
    return {
        "curves": told,
        "settings": rows(Setting, found.settings),
        "areas": rows(Area, found.areas),
        "turned": rows(Turned, found.conflicts),
    }


def conflicts(found: Fronts, thresholds: Thresholds) -> list[dict[str, Any]]:
    """Conflicts along a knob, the surest first: facts of kind `Turned`, with `outcome`, which dimension rises and which falls."""
    if not found["turned"]:
        return []
    turned = pl.DataFrame(found["turned"], infer_schema_length=None)
    named = found_conflicts(turned, thresholds.fdr, thresholds.min_points).sort("q", "task", "pair")
    return named.with_columns(outcome=pl.format("{} rises, {} falls", "rises", "falls")).to_dicts()


def metrics(found: Fronts, thresholds: Thresholds) -> dict[str, Any]:
    """Per curve and task: number of conflicts along the knob, mean hypervolume over all pairs, and the pairs in conflict. Empty without a curve."""
    named = conflicts(found, thresholds)
    areas: dict[tuple[str | None, str], list[float]] = defaultdict(list)
    for area in found["areas"]:
        areas[area["curve"], area["task"]].append(area["area"])
    told: dict[str, dict[str, Any]] = {}
    for curve in found["curves"]:
        for task in sorted({row["task"] for row in found["turned"]}):
            own = areas[curve["name"], task]
            pairs = {row["pair"]: row["outcome"] for row in named if (row["curve"], row["task"]) == (curve["name"], task)}
            told.setdefault(curve["name"], {})[task] = {
                "conflicts": len(pairs),
                "hypervolume": sum(own) / len(own),
                "pairs": dict(sorted(pairs.items())),
            }
    return {"curves": told} if told else {}


def lines(found: Fronts, thresholds: Thresholds) -> list[str]:
    """Conflicts along each knob, as lines of Markdown. Empty without a curve."""
    named = conflicts(found, thresholds)
    told = []
    for curve in found["curves"]:
        own = [row for row in named if row["curve"] == curve["name"]]
        values, tested = ", ".join(f"{value:g}" for value in curve["values"]), sum(row["curve"] == curve["name"] for row in found["turned"])
        said = "; ".join(f"{row['task']} {code(row['pair'])}: {row['outcome']}" for row in own[:MOST]) + ("; …" if len(own) > MOST else "")
        told.append(f"- Conflicts along {code(curve['name'])} ({values}): {len(own)} of {tested} pairs{'. ' if own else ''}{said}")
    return ["", "### Along a knob", "", *told] if told else []


def plane(curves: Sequence[str]) -> charts.Layers:
    """Curves through the plane of two dimensions, with 95 % intervals and the Pareto front; the page fills in the axis titles `$x` and `$y`.

    Data: `settings` (model, label, curve, x, y, x_low, x_high, y_low, y_high), in the order of each curve, and `front` (x, y), ascending in x.
    """
    scale = alt.Scale(zero=False, padding=34)
    x, y = (
        alt.X("x:Q", scale=scale, title="$x", axis=alt.Axis(tickCount=5)),
        alt.Y("y:Q", scale=scale, title="$y", axis=alt.Axis(tickCount=5)),
    )
    names = [*curves, OTHER]
    colours = alt.Scale(domain=names, range=[*(MODELS[index % len(MODELS)] for index in range(len(curves))), "$muted"])
    colour = alt.Color("curve:N", scale=colours, legend=alt.Legend(title=None, orient="top", columns=2, labelLimit=260))
    settings, border = alt.Chart(alt.NamedData("settings")), alt.Chart(alt.NamedData("front"))
    front = border.mark_line(interpolate="step-before", strokeDash=[5, 4], strokeWidth=1.5, color="$muted").encode(x, y)
    turned = settings.transform_filter(f"datum.curve !== '{OTHER}'").mark_line(strokeWidth=2).encode(x, y, color=colour, order="place:Q")
    across = settings.mark_rule(strokeWidth=1.2, opacity=0.7).encode(x=alt.X("x_low:Q", scale=scale), x2="x_high:Q", y=y, color=colour)
    up = settings.mark_rule(strokeWidth=1.2, opacity=0.7).encode(x=x, y=alt.Y("y_low:Q", scale=scale), y2="y_high:Q", color=colour)
    tips = ["model:N", "label:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("x", *ENDS[:2], "y", *ENDS[2:]))]
    dots = settings.mark_point(filled=True, size=70, opacity=1).encode(x, y, color=colour, tooltip=tips)
    labels = settings.mark_text(align="left", baseline="bottom", dx=6, dy=-4, fontSize=11, color="$ink").encode(x, y, text="label:N")
    return alt.layer(*_reach(settings, x, y), front, across, up, turned, dots, labels)


def _reach(settings: alt.Chart, x: alt.X, y: alt.Y) -> Iterator[alt.Chart]:
    """Unseen points around the middle of the means, which make both axes at least `SPAN` long: small differences are not blown up."""
    ends = settings.transform_aggregate(left="min(x)", right="max(x)", low="min(y)", high="max(y)")
    for by in (-SPAN / 2, SPAN / 2):
        corner = ends.transform_calculate(x=f"(datum.left + datum.right) / 2 + {by}", y=f"(datum.low + datum.high) / 2 + {by}")
        yield corner.mark_point(opacity=0).encode(x, y)


def planes(found: Fronts, thresholds: Thresholds, most: int) -> Iterator[tuple[str, str, Mapping[str, charts.Rows]]]:
    """Title, pair and data of the planes to draw: pairs in conflict along a knob, the surest first, then the others; at most so many."""
    named = {(row["task"], row["pair"]) for row in conflicts(found, thresholds)}
    order = sorted(found["turned"], key=lambda row: (2.0 if row["q"] is None else row["q"], row["task"], row["pair"]))
    for task, pair in list(dict.fromkeys((row["task"], row["pair"]) for row in order))[:most]:
        title = f"{task} {pair}" + (": conflict along a knob" if (task, pair) in named else "")
        yield title, pair, _data(found, task, pair)


def _data(found: Fronts, task: str, pair: str) -> Mapping[str, charts.Rows]:
    """Data of `plane`."""
    own = {row["model"]: row for row in found["settings"] if (row["task"], row["pair"]) == (task, pair) and row["x"] is not None}
    on = [
        {**own[model], "curve": curve["name"], "label": f"{value:g}", "place": index}
        for curve in found["curves"]
        for index, (model, value) in enumerate(zip(curve["models"], curve["values"], strict=True))
        if model in own
    ]
    off = [{**row, "curve": OTHER, "label": model, "place": 0} for model, row in own.items() if model not in {one["model"] for one in on}]
    best = sorted((row["x"], row["y"]) for row in own.values() if row["front"])
    return {"settings": [*on, *off], "front": [{"x": x, "y": y} for x, y in best]}
