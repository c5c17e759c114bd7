"""The charts, as Vega-Lite drawn with altair. Colours such as `$ink` are tokens that the page or a still fills in for light or dark."""

from collections.abc import Mapping, Sequence
from math import atan2, cos, degrees, pi, sin
from typing import Any

import altair as alt
import polars as pl

from trig.dimensions import ABOUT, Dimension, Pair, Relation
from trig.report.theme import COLOURED, GLYPHS, MODELS, ON_COLOUR, RELATIONS, SHAPES

Spec = dict[str, Any]
Layers = alt.LayerChart | alt.FacetChart
VEGA_LITE = alt.SCHEMA_VERSION.rpartition(".")[0]  # v6.4.1 → v6.4, the version vl-convert is asked for
CODES = [dimension.value for dimension in Dimension]


def spec(chart: alt.TopLevelMixin) -> Spec:
    """The chart as plain JSON, the same for the same input: datasets inside, no names that depend on a counter."""
    with alt.data_transformers.enable("default", consolidate_datasets=False, max_rows=None):
        found: Spec = chart.to_dict()
    found.pop("config", None)
    return found


def matrix(relations: pl.DataFrame, means: Mapping[str, float]) -> Layers:
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
    return alt.layer(
        base.mark_rect(cornerRadius=2).encode(color=fill_colour()), base.mark_text(fontSize=10.5).encode(text="text:N", color=text_colour())
    )


def fill_colour() -> alt.Color:
    """The colour of a cell by its `kind`: a relation, `rho` or `mean`."""
    domain = [*RELATIONS, "rho", "mean"]
    return alt.Color("kind:N", legend=None, scale=alt.Scale(domain=domain, range=[*RELATIONS.values(), "$surface", "$line"]))


def text_colour() -> Any:
    """Dark text on the coloured cells, muted text elsewhere."""
    on_colour = alt.FieldOneOfPredicate(field="kind", oneOf=list(COLOURED))
    return alt.condition(on_colour, alt.value(ON_COLOUR), alt.value("$muted"))


def _cells(row: Mapping[str, Any]) -> list[dict[str, object]]:
    pair = Pair.parse(row["pair"])
    glyph = "↑" if row["leaning"] == pair.y else GLYPHS[row["relation"]]
    shown = row["relation"] + (f" towards {row['leaning']}" if row["leaning"] else "")
    rho = "" if row["rho"] is None else f"{row['rho']:.2f}"
    return [
        _cell(pair.x, pair.y, row["relation"], glyph, shown),
        _cell(pair.y, pair.x, "rho", rho, f"Spearman's rho {rho or 'missing: one side is constant'}"),
    ]


def _cell(row: str, column: str, kind: str, text: str, about: str) -> dict[str, object]:
    name = row if row == column else str(Pair.of(Dimension(row), Dimension(column)))
    return {"row": str(row), "column": str(column), "pair": name, "kind": kind, "text": text, "about": about}


def graph(relations: pl.DataFrame) -> Layers:
    """The map of one model as a graph: ten dimensions on a circle, an edge per relation, an arrowhead at the dimension a tilt favours."""
    shown = relations.filter(~pl.col("relation").is_in([Relation.NONE, Relation.TOO_FEW]))
    edges = [_edge(row) for row in shown.sort("relation", "pair").iter_rows(named=True)]
    scale = alt.Scale(domain=[-1.14, 1.14], nice=False)
    x, y = (alt.X("x:Q", scale=scale, axis=None), alt.Y("y:Q", scale=scale, axis=None))
    colour = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=list(RELATIONS), range=list(RELATIONS.values())))
    dash = alt.StrokeDash(
        "kind:N", legend=None, scale=alt.Scale(domain=list(RELATIONS), range=[[1, 0], [1, 0], [1, 0], [5, 4], [1, 0], [1, 0]])
    )
    width = alt.StrokeWidth("kind:O", legend=None, sort=None, scale=alt.Scale(domain=list(RELATIONS), range=[2.4, 2.4, 2, 1.3, 1, 1]))
    tip = [alt.Tooltip("pair:N"), alt.Tooltip("about:N", title="shows")]
    lines = alt.Chart(_inline(edges)).mark_rule(opacity=0.85)
    lines = lines.encode(x, y, x2="x2:Q", y2="y2:Q", color=colour, strokeDash=dash, strokeWidth=width, tooltip=tip)
    heads = alt.Chart(_inline([edge for edge in edges if edge["kind"] == Relation.TILT]))
    arrows = heads.mark_point(shape="triangle", size=90, filled=True, opacity=1).encode(
        x=alt.X("head_x:Q", scale=scale, axis=None),
        y=alt.Y("head_y:Q", scale=scale, axis=None),
        angle=alt.Angle("angle:Q", scale=None),
        color=colour,
        tooltip=tip,
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


def dimensions(means: pl.DataFrame, models: Sequence[str]) -> Layers:
    """Mean score of each dimension with its 95 % interval, one mark per model."""
    rows = [{**row, "dimension": label(row["dimension"])} for row in means.drop_nulls("mean").iter_rows(named=True)]
    colour = alt.Color("model:N", scale=_scale(models, MODELS), legend=alt.Legend(title=None, orient="top", symbolOpacity=1))
    shape = alt.Shape("model:N", scale=_scale(models, SHAPES), legend=alt.Legend(title=None, orient="top"))
    base = alt.Chart(_inline(rows)).encode(
        y=alt.Y(
            "dimension:N",
            sort=[label(code) for code in CODES],
            title=None,
            axis=alt.Axis(grid=True, tickBand="extent", ticks=False, domain=False),
        ),
        yOffset=alt.YOffset("model:N", sort=list(models)),
        color=colour,
        tooltip=["model:N", "dimension:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("mean", "low", "high")), "n:Q", "nulls:Q"],
    )
    limits = alt.Scale(domain=[0, 1])
    bars = base.mark_rule(strokeWidth=1.5).encode(
        x=alt.X("low:Q", scale=limits, title="mean score, 0 to 1", axis=alt.Axis(tickCount=5)), x2="high:Q"
    )
    return alt.layer(bars, base.mark_point(filled=True, size=55, opacity=1).encode(x=alt.X("mean:Q", scale=limits), shape=shape))


def label(code: str) -> str:
    """A dimension's code and name."""
    return f"{code} {ABOUT[Dimension(code)].name}"


def dimensions_height(models: Sequence[str]) -> int:
    """Pixels the chart of dimensions needs for so many models."""
    return 30 + len(CODES) * (14 + 13 * len(models))


def _scale(names: Sequence[str], values: Sequence[str]) -> alt.Scale:
    return alt.Scale(domain=list(names), range=[values[n % len(values)] for n in range(len(names))])


def change(rows: Sequence[Mapping[str, object]]) -> Layers:
    """How far tuning moved each mean, with the 95 % interval of the paired difference; labels are in `label`, in order."""
    kinds = alt.Scale(domain=["rise", "fall", "unclear"], range=[RELATIONS[Relation.SYNERGY], RELATIONS[Relation.BOTTLENECK], "$muted"])
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1)
    base = alt.Chart(_inline(rows)).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=170, ticks=False, domain=False, grid=False)),
        color=alt.Color("kind:N", scale=kinds, legend=legend),
        tooltip=["label:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("before", "after", "mean", "low", "high")), "n:Q"],
    )
    shape = alt.Shape("kind:N", scale=_scale(["rise", "fall", "unclear"], ("triangle-up", "triangle-down", "circle")), legend=legend)
    zero = alt.Chart(_inline([{"zero": 0}])).mark_rule(color="$muted").encode(x="zero:Q")
    bars = base.mark_rule(strokeWidth=1.5).encode(
        x=alt.X("low:Q", title="change of the mean score", axis=alt.Axis(tickCount=6)), x2="high:Q"
    )
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(x="mean:Q", shape=shape)
    return alt.layer(zero, bars, dots)


def scatter(thresholds: Mapping[str, Any]) -> Layers:
    """One pair of one model. The page puts `points`, `line` and `means` in, and the axis titles for `$x` and `$y`."""
    limits, ticks = alt.Scale(domain=[0, 1], nice=False), alt.Axis(tickCount=5)
    x, y = (alt.X("x:Q", scale=limits, title="$x", axis=ticks), alt.Y("y:Q", scale=limits, title="$y", axis=ticks))
    high, low = thresholds["synergy"], thresholds["bottleneck"]
    areas = [
        {"region": "R_B", "x": 0, "y": 0, "x2": low, "y2": low, "at": 0.02, "up": 0.03},
        {"region": "R_S", "x": high, "y": high, "x2": 1, "y2": 1, "at": high + 0.02, "up": high + 0.03},
    ]
    kinds = alt.Scale(domain=["R_S", "R_B", "R_T"], range=[RELATIONS[Relation.SYNERGY], RELATIONS[Relation.BOTTLENECK], "$accent"])
    colour = alt.Color("region:N", scale=kinds, legend=None)
    field = alt.Chart(_inline(areas))
    rects = field.mark_rect(opacity=0.16).encode(x, y, x2="x2:Q", y2="y2:Q", color=colour)
    names = alt.Chart(_inline([*areas, {"region": "R_T", "at": 0.02, "up": 0.955}])).mark_text(
        align="left", baseline="bottom", color="$muted"
    )
    words = names.encode(x=alt.X("at:Q", scale=limits), y=alt.Y("up:Q", scale=limits), text="region:N")
    line = alt.Chart(alt.NamedData("line")).mark_rule(color="$ink", strokeWidth=1.5, clip=True).encode(x, y, x2="x2:Q", y2="y2:Q")
    tips = [alt.Tooltip("id:N", title="sample"), alt.Tooltip("x:Q", format=".3f"), alt.Tooltip("y:Q", format=".3f"), "region:N"]
    shape = alt.Shape("region:N", scale=_scale(["R_S", "R_B", "R_T"], ("triangle-up", "triangle-down", "circle")), legend=None)
    dots = (
        alt.Chart(alt.NamedData("points"))
        .mark_point(filled=True, size=55, opacity=0.8)
        .encode(x, y, color=colour, shape=shape, tooltip=tips)
    )
    means = alt.Chart(alt.NamedData("means")).mark_point(shape="cross", size=130, filled=True, color="$ink", opacity=1)
    middle = means.encode(
        x, y, tooltip=[alt.Tooltip("x:Q", title="mean of x", format=".3f"), alt.Tooltip("y:Q", title="mean of y", format=".3f")]
    )
    return alt.layer(rects, words, line, dots, middle)


def _inline(rows: Sequence[Mapping[str, object]]) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])
