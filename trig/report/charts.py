"""The charts, as Vega-Lite drawn with altair. Colours such as `$ink` are tokens that the page or a still fills in for light or dark."""

from collections.abc import Mapping, Sequence
from math import atan2, cos, degrees, pi, sin
from typing import Any

import altair as alt
import polars as pl

from trig.dimensions import ABOUT, Dimension, Pair, Relation

Spec = dict[str, Any]
CODES = [dimension.value for dimension in Dimension]
COLOURS: Mapping[str, str] = {
    Relation.SYNERGY: "#00a37a",
    Relation.BOTTLENECK: "#e0702a",
    Relation.TILT: "#56b4e9",
    Relation.DISPERSION: "#d18ab5",
    Relation.NONE: "$faint",
    Relation.TOO_FEW: "$surface",
}
"""Apart for the common kinds of colour blindness (after Okabe and Ito); each also has a glyph of its own."""
GLYPHS: Mapping[str, str] = {
    Relation.SYNERGY: "S",
    Relation.BOTTLENECK: "B",
    Relation.DISPERSION: "D",
    Relation.NONE: "·",
    Relation.TOO_FEW: "?",
}
MODELS = ("#4477aa", "#cc3311", "#228833", "#b09a1f", "#aa3377", "#33a0c0", "#888888")
SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right")


def spec(chart: alt.TopLevelMixin) -> Spec:
    """The chart as plain JSON, the same for the same input: datasets inside, no names that depend on a counter."""
    with alt.data_transformers.enable("default", consolidate_datasets=False, max_rows=None):
        found: Spec = chart.to_dict()
    found.pop("config", None)
    return found


def matrix(relations: pl.DataFrame, means: Mapping[str, float]) -> alt.LayerChart:
    """The map of one model: relations above the diagonal, Spearman's rho below it, the dimensions' means on it."""
    cells = [cell for row in relations.iter_rows(named=True) for cell in _cells(row)]
    cells += [_cell(code, code, "mean", f"{value:.2f}", f"mean score {value:.3f}") for code, value in means.items()]
    style: Spec = {"title": None, "labelAngle": 0, "domain": False, "ticks": False, "labelPadding": 4}
    scale = alt.Scale(domain=CODES, paddingInner=0.06, paddingOuter=0)
    base = alt.Chart(_inline(cells)).encode(
        x=alt.X("column:N", sort=None, scale=scale, axis=alt.Axis(orient="top", **style)),
        y=alt.Y("row:N", sort=None, scale=scale, axis=alt.Axis(**style)),
        tooltip=[alt.Tooltip("pair:N"), alt.Tooltip("about:N", title="shows")],
    )
    return alt.layer(base.mark_rect(cornerRadius=2).encode(color=_fill()), base.mark_text(fontSize=10.5).encode(text="text:N", color=_ink()))


def _fill() -> alt.Color:
    domain = [*COLOURS, "rho", "mean"]
    return alt.Color("kind:N", legend=None, scale=alt.Scale(domain=domain, range=[*COLOURS.values(), "$surface", "$line"]))


def _ink() -> Any:
    on_colour = alt.FieldOneOfPredicate(field="kind", oneOf=[Relation.SYNERGY, Relation.BOTTLENECK, Relation.TILT, Relation.DISPERSION])
    return alt.condition(on_colour, alt.value("#111111"), alt.value("$muted"))


def _cells(row: Mapping[str, Any]) -> list[dict[str, object]]:
    pair = Pair.parse(row["pair"])
    arrow = "←" if row["leaning"] == pair.x else "↑"
    shown = row["relation"] + (f" towards {row['leaning']}" if row["leaning"] else "")
    rho = "" if row["rho"] is None else f"{row['rho']:.2f}"
    return [
        _cell(pair.x, pair.y, row["relation"], GLYPHS.get(row["relation"], arrow), shown),
        _cell(pair.y, pair.x, "rho", rho, f"Spearman's rho {rho or 'missing: one side is constant'}"),
    ]


def _cell(row: str, column: str, kind: str, text: str, about: str) -> dict[str, object]:
    name = row if row == column else str(Pair.of(Dimension(row), Dimension(column)))
    return {"row": str(row), "column": str(column), "pair": name, "kind": kind, "text": text, "about": about}


def graph(relations: pl.DataFrame) -> alt.LayerChart:
    """The map of one model as a graph: ten dimensions on a circle, an edge per relation, an arrowhead at the dimension a tilt favours."""
    shown = relations.filter(~pl.col("relation").is_in([Relation.NONE, Relation.TOO_FEW]))
    edges = [_edge(row) for row in shown.sort("relation", "pair").iter_rows(named=True)]
    scale = alt.Scale(domain=[-1.14, 1.14], nice=False)
    x, y = (alt.X("x:Q", scale=scale, axis=None), alt.Y("y:Q", scale=scale, axis=None))
    colour = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())))
    dash = alt.StrokeDash("kind:N", legend=None, scale=alt.Scale(domain=list(COLOURS), range=[[1, 0], [1, 0], [1, 0], [5, 4], [1, 0], [1, 0]]))
    tip = [alt.Tooltip("pair:N"), alt.Tooltip("about:N", title="shows")]
    lines = alt.Chart(_inline(edges)).mark_rule(strokeWidth=2.2, opacity=0.85).encode(x, y, x2="x2:Q", y2="y2:Q", color=colour, strokeDash=dash, tooltip=tip)
    heads = alt.Chart(_inline([edge for edge in edges if edge["kind"] == Relation.TILT]))
    arrows = heads.mark_point(shape="triangle", size=90, filled=True, opacity=1).encode(
        x=alt.X("head_x:Q", scale=scale, axis=None), y=alt.Y("head_y:Q", scale=scale, axis=None), angle=alt.Angle("angle:Q", scale=None), color=colour, tooltip=tip
    )
    nodes = [{"code": code, "name": ABOUT[Dimension(code)].name, "x": x, "y": y} for code, (x, y) in PLACES.items()]
    at = alt.Chart(_inline(nodes)).encode(x, y, tooltip=["code:N", "name:N"])
    dots = at.mark_point(size=1150, filled=True, fill="$surface", stroke="$muted", strokeWidth=1, opacity=1)
    return alt.layer(lines, arrows, dots, at.mark_text(fontSize=10.5, color="$ink").encode(text="code:N"))


PLACES = {code: (sin(2 * pi * n / len(CODES)), cos(2 * pi * n / len(CODES))) for n, code in enumerate(CODES)}


def _edge(row: Mapping[str, Any]) -> dict[str, object]:
    pair = Pair.parse(row["pair"])
    tail, head = (pair.y, pair.x) if row["leaning"] == pair.x else (pair.x, pair.y)
    (x, y), (x2, y2) = PLACES[tail], PLACES[head]
    length = ((x2 - x) ** 2 + (y2 - y) ** 2) ** 0.5
    reach = 1 - 0.17 / length  # the arrowhead stops at the rim of the node
    about = row["relation"] + (f" towards {row['leaning']}" if row["leaning"] else "")
    near = {"head_x": x + reach * (x2 - x), "head_y": y + reach * (y2 - y), "angle": degrees(atan2(x2 - x, y2 - y))}
    return {"pair": str(pair), "kind": row["relation"], "about": about} | {
        key: round(value, 4) for key, value in ({"x": x, "y": y, "x2": x2, "y2": y2} | near).items()
    }


def dimensions(means: pl.DataFrame, models: Sequence[str]) -> alt.LayerChart:
    """Mean score of each dimension with its 95 % interval, one mark per model."""
    rows = means.with_columns(pl.col("dimension").cast(pl.String)).to_dicts()
    colour = alt.Color("model:N", scale=_scale(models, MODELS), legend=alt.Legend(title=None, orient="top", symbolOpacity=1))
    shape = alt.Shape("model:N", scale=_scale(models, SHAPES), legend=alt.Legend(title=None, orient="top"))
    base = alt.Chart(_inline(rows)).encode(
        y=alt.Y("dimension:N", sort=CODES, title=None, axis=alt.Axis(grid=False, ticks=False, domain=False)),
        yOffset=alt.YOffset("model:N", sort=list(models)),
        color=colour,
        tooltip=["model:N", "dimension:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("mean", "low", "high")), "n:Q", "nulls:Q"],
    )
    limits = alt.Scale(domain=[0, 1])
    bars = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low:Q", scale=limits, title="mean score, 0 to 1"), x2="high:Q")
    return alt.layer(bars, base.mark_point(filled=True, size=55, opacity=1).encode(x=alt.X("mean:Q", scale=limits), shape=shape))


def _scale(names: Sequence[str], values: Sequence[str]) -> alt.Scale:
    return alt.Scale(domain=list(names), range=[values[n % len(values)] for n in range(len(names))])


def change(rows: Sequence[Mapping[str, object]]) -> alt.LayerChart:
    """How far tuning moved each mean, with the 95 % interval of the paired difference; labels are in `label`, in order."""
    kinds = alt.Scale(domain=["rise", "fall", "unclear"], range=[COLOURS[Relation.SYNERGY], COLOURS[Relation.BOTTLENECK], "$muted"])
    base = alt.Chart(_inline(rows)).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=170, ticks=False, domain=False, grid=False)),
        color=alt.Color("kind:N", scale=kinds, legend=alt.Legend(title=None, orient="top")),
        tooltip=["label:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("before", "after", "mean", "low", "high")), "n:Q"],
    )
    zero = alt.Chart(_inline([{"zero": 0}])).mark_rule(color="$muted").encode(x="zero:Q")
    bars = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low:Q", title="change of the mean score"), x2="high:Q")
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(x="mean:Q", shape=alt.Shape("kind:N", scale=_scale(["rise", "fall", "unclear"], ("triangle-up", "triangle-down", "circle")), legend=None))
    return alt.layer(zero, bars, dots)


def scatter(thresholds: Mapping[str, Any]) -> alt.LayerChart:
    """One pair of one model. The page puts `points`, `line` and `means` in, and the axis titles for `$x` and `$y`."""
    limits = alt.Scale(domain=[0, 1], nice=False)
    x, y = (alt.X("x:Q", scale=limits, title="$x"), alt.Y("y:Q", scale=limits, title="$y"))
    high, low = thresholds["synergy"], thresholds["bottleneck"]
    areas = [
        {"region": "R_B", "x": 0, "y": 0, "x2": low, "y2": low, "at": 0.02, "up": 0.03},
        {"region": "R_S", "x": high, "y": high, "x2": 1, "y2": 1, "at": high + 0.02, "up": high + 0.03},
    ]
    kinds = alt.Scale(domain=["R_S", "R_B", "R_T"], range=[COLOURS[Relation.SYNERGY], COLOURS[Relation.BOTTLENECK], "$accent"])
    colour = alt.Color("region:N", scale=kinds, legend=None)
    field = alt.Chart(_inline(areas))
    rects = field.mark_rect(opacity=0.16).encode(x, y, x2="x2:Q", y2="y2:Q", color=colour)
    names = alt.Chart(_inline([*areas, {"region": "R_T", "at": 0.02, "up": 0.955}])).mark_text(align="left", baseline="bottom", color="$muted")
    words = names.encode(x=alt.X("at:Q", scale=limits), y=alt.Y("up:Q", scale=limits), text="region:N")
    line = alt.Chart(alt.NamedData("line")).mark_rule(color="$ink", strokeWidth=1.5, clip=True).encode(x, y, x2="x2:Q", y2="y2:Q")
    tips = [alt.Tooltip("id:N", title="sample"), alt.Tooltip("x:Q", format=".3f"), alt.Tooltip("y:Q", format=".3f"), "region:N"]
    shape = alt.Shape("region:N", scale=_scale(["R_S", "R_B", "R_T"], ("triangle-up", "triangle-down", "circle")), legend=None)
    dots = alt.Chart(alt.NamedData("points")).mark_point(filled=True, size=55, opacity=0.8).encode(x, y, color=colour, shape=shape, tooltip=tips)
    means = alt.Chart(alt.NamedData("means")).mark_point(shape="cross", size=130, filled=True, color="$ink", opacity=1)
    middle = means.encode(x, y, tooltip=[alt.Tooltip("x:Q", title="mean of x", format=".3f"), alt.Tooltip("y:Q", title="mean of y", format=".3f")])
    return alt.layer(rects, words, line, dots, middle)


def _inline(rows: Sequence[Mapping[str, object]]) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])
