"""Vega-Lite charts, made with altair. Colours such as `$ink` are design tokens, resolved to CSS custom properties or literal colours.

Charts refer to named data (`relations`, `means`, `points` …), filled in by the page in the browser, and by `filled` for static images.
"""

from collections.abc import Mapping, Sequence
from math import cos, pi, sin
from typing import Any

import altair as alt

from trig.report.theme import COLOURED, GLYPHS, MODELS, RELATIONS, SHAPES
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension
from trig.vocabulary.relations import Relation

Spec = dict[str, Any]
Rows = Sequence[Mapping[str, object]]
Layers = alt.LayerChart | alt.FacetChart
VEGA_LITE = alt.SCHEMA_VERSION.rpartition(".")[0]  # v6.4.1 → v6.4, as vl-convert wants it
CODES = [dimension.value for dimension in Dimension]
WEIGHTS = {"supported": 1.0, "weak": 0.85, "unsupported": 0.3}
"""Cell opacity by evidence; supported cells have a border too."""
UNKNOWN_WEIGHT = 1.0
REGIONS = ("R_S", "R_B", "R_T")


def spec(chart: alt.TopLevelMixin) -> Spec:
    """Chart as deterministic JSON: no counter-based names."""
    with alt.data_transformers.enable("default", consolidate_datasets=False, max_rows=None):
        found: Spec = chart.to_dict(validate=False)  # charts are ours; validating them takes longer than writing them
    found.pop("config", None)
    return found


def filled(found: Any, data: Mapping[str, Rows]) -> Any:
    """Specification with its named data inlined."""
    if isinstance(found, dict):
        if found.keys() == {"name"} and found["name"] in data:
            return {"values": [dict(row) for row in data[found["name"]]]}
        return {key: filled(value, data) for key, value in found.items()}
    return [filled(value, data) for value in found] if isinstance(found, list) else found


def _lookup(table: Mapping[str, object], key: str) -> str:
    """Vega expression of a table lookup by a datum's field."""
    return "{" + ", ".join(f"'{name}': {value!r}" for name, value in table.items()) + f"}}[{key}]"


SHOWS = "datum.relation + (datum.leaning ? ' towards ' + datum.leaning : '') + (datum.evidence ? ', ' + datum.evidence : '')"
WEIGHT = f"datum.evidence ? {_lookup(WEIGHTS, 'datum.evidence')} : {UNKNOWN_WEIGHT}"


def matrix() -> Layers:
    """Dimension Trade-off Map of one model as a matrix: relations above the diagonal, correlations below, mean scores on it.

    Data: `relations` (pair, x, y, relation, leaning, evidence, rho) and `means` (code, mean).
    """
    style: Spec = {"title": None, "labelAngle": 0, "domain": False, "ticks": False, "labelPadding": 4}
    scale = alt.Scale(domain=CODES, paddingInner=0.06, paddingOuter=0)
    across, down = alt.Axis(orient="top", **style), alt.Axis(**style)
    pairs, means = alt.Chart(alt.NamedData("relations")), alt.Chart(alt.NamedData("means"))
    glyph = f"datum.leaning && datum.leaning === datum.y ? '↑' : {_lookup(GLYPHS, 'datum.relation')}"
    upper = pairs.transform_calculate(glyph=glyph, weight=WEIGHT, shows=SHOWS).encode(
        x=alt.X("y:N", sort=None, scale=scale, axis=across),
        y=alt.Y("x:N", sort=None, scale=scale, axis=down),
        tooltip=[alt.Tooltip("pair:N"), alt.Tooltip("shows:N")],
    )
    weight = alt.Opacity("weight:Q", scale=None, legend=None)
    frame = alt.condition("datum.evidence === 'supported'", alt.value(2), alt.value(0))
    cells = upper.mark_rect(cornerRadius=2, stroke="$ink").encode(color=relation_colour(), opacity=weight, strokeWidth=frame)
    glyphs = upper.mark_text(fontSize=10.5).encode(text="glyph:N", color=glyph_colour())
    short = "isValid(datum.rho) ? replace(format(datum.rho, '.2f'), '0.', '.') : ''"
    rhos = (
        pairs.transform_calculate(short=short)
        .mark_text(fontSize=10, color="$muted")
        .encode(
            x=alt.X("x:N", sort=None, scale=scale, axis=across),
            y=alt.Y("y:N", sort=None, scale=scale, axis=down),
            text="short:N",
            tooltip=[alt.Tooltip("pair:N"), alt.Tooltip("rho:Q", format=".3f", title="$correlation")],
        )
    )
    own = means.encode(
        x=alt.X("code:N", sort=None, scale=scale, axis=across),
        y=alt.Y("code:N", sort=None, scale=scale, axis=down),
        tooltip=[alt.Tooltip("code:N", title="dimension"), alt.Tooltip("mean:Q", format=".3f", title="mean score")],
    )
    diagonal = own.mark_rect(cornerRadius=2, color="$line")
    return alt.layer(
        cells, glyphs, rhos, diagonal, own.mark_text(fontSize=10.5, color="$ink").encode(text=alt.Text("mean:Q", format=".2f"))
    )


def glyph_colour() -> Any:
    """Text colour of the glyphs: contrasts with coloured cells, `$ink` on pale ones."""
    full = f"indexof({[str(relation) for relation in COLOURED]}, datum.relation) >= 0 && datum.evidence !== 'unsupported'"
    return alt.condition(full, alt.value("$sign"), alt.value("$ink"))


def relation_colour() -> alt.Color:
    """Colour encoding of the relation."""
    return alt.Color("relation:N", legend=None, scale=alt.Scale(domain=list(RELATIONS), range=list(RELATIONS.values())))


def graph() -> Layers:
    """Dimension Trade-off Map of one model as a graph: dimensions on a circle, an edge per relation, an arrow to the favoured dimension.

    Data: `relations` (pair, x, y, relation, leaning, evidence).
    """
    nodes = [
        {"code": code, "name": ABOUT[Dimension(code)].name, "across": sin(2 * pi * n / len(CODES)), "up": cos(2 * pi * n / len(CODES))}
        for n, code in enumerate(CODES)
    ]
    place = alt.LookupData(data=_inline(nodes), key="code", fields=["across", "up"])
    scale = alt.Scale(domain=[-1.14, 1.14], nice=False)
    x, y = (alt.X("x1:Q", scale=scale, axis=None), alt.Y("y1:Q", scale=scale, axis=None))
    edges = (
        alt.Chart(alt.NamedData("relations"))
        .transform_filter(alt.FieldOneOfPredicate(field="relation", oneOf=list(COLOURED)))
        .transform_calculate(head="datum.leaning || datum.y", weight=WEIGHT, shows=SHOWS)
        .transform_calculate(tail="datum.head === datum.y ? datum.x : datum.y")
        .transform_lookup(lookup="tail", from_=place, as_=["x1", "y1"])
        .transform_lookup(lookup="head", from_=place, as_=["x2", "y2"])
    )
    dashes, widths = [[1, 0], [1, 0], [1, 0], [5, 4], [1, 0], [1, 0]], [2.4, 2.4, 2, 1.3, 1, 1]
    tip = [alt.Tooltip("pair:N"), alt.Tooltip("shows:N")]
    looks = {"color": relation_colour(), "opacity": alt.Opacity("weight:Q", scale=None, legend=None), "tooltip": tip}
    lines = edges.mark_rule().encode(
        x,
        y,
        x2="x2:Q",
        y2="y2:Q",
        strokeDash=alt.StrokeDash("relation:N", legend=None, scale=alt.Scale(domain=list(RELATIONS), range=dashes)),
        strokeWidth=alt.StrokeWidth("relation:O", legend=None, sort=None, scale=alt.Scale(domain=list(RELATIONS), range=widths)),
        **looks,
    )
    reach = "1 - 0.17 / sqrt(pow(datum.x2 - datum.x1, 2) + pow(datum.y2 - datum.y1, 2))"  # arrowhead ends at the node's rim
    tilts = edges.transform_filter(alt.datum.relation == Relation.TILT.value).transform_calculate(reach=reach)
    heads = tilts.transform_calculate(
        hx="datum.x1 + datum.reach * (datum.x2 - datum.x1)",
        hy="datum.y1 + datum.reach * (datum.y2 - datum.y1)",
        angle="atan2(datum.x2 - datum.x1, datum.y2 - datum.y1) * 180 / PI",
    )
    arrows = heads.mark_point(shape="triangle", size=90, filled=True).encode(
        x=alt.X("hx:Q", scale=scale, axis=None),
        y=alt.Y("hy:Q", scale=scale, axis=None),
        angle=alt.Angle("angle:Q", scale=None),
        **looks,
    )
    at = alt.Chart(_inline(nodes)).encode(
        x=alt.X("across:Q", scale=scale, axis=None), y=alt.Y("up:Q", scale=scale, axis=None), tooltip=["code:N", "name:N"]
    )
    dots = at.mark_point(size=1150, filled=True, fill="$surface", stroke="$muted", strokeWidth=1, opacity=1)
    return alt.layer(lines, arrows, dots, at.mark_text(fontSize=10.5, color="$ink").encode(text="code:N"))


def intervals(models: Sequence[str], title: str) -> Layers:
    """Dot plot with confidence intervals per dimension and model. Data: `means` (model, label, mean, low, high, n, nulls)."""
    scale = alt.Scale(domain=[0, 1])
    colour = alt.Color("model:N", scale=_cycle(models, MODELS), legend=alt.Legend(title=None, orient="top", symbolOpacity=1, columns=4))
    shape = alt.Shape("model:N", scale=_cycle(models, SHAPES), legend=alt.Legend(title=None, orient="top", columns=4))
    base = alt.Chart(alt.NamedData("means")).encode(
        y=alt.Y("label:N", sort=[label(code) for code in CODES], title=None, axis=_bands()),
        yOffset=alt.YOffset("model:N", sort=list(models)),
        color=colour,
        tooltip=["model:N", "label:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("mean", "low", "high")), "n:Q", "nulls:Q"],
    )
    bars = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low:Q", scale=scale, title=title, axis=alt.Axis(tickCount=5)), x2="high:Q")
    return alt.layer(bars, base.mark_point(filled=True, size=55, opacity=1).encode(x=alt.X("mean:Q", scale=scale), shape=shape))


def _bands() -> alt.Axis:
    return alt.Axis(grid=True, tickBand="extent", ticks=False, domain=False, labelLimit=170)


def label(code: str) -> str:
    """Code and name of a dimension."""
    return f"{code} {ABOUT[Dimension(code)].name}"


def intervals_height(models: Sequence[str]) -> int:
    """Height in pixels of the interval plot for these models."""
    return 30 + len(CODES) * (14 + 13 * len(models))


def _cycle(names: Sequence[str], values: Sequence[str]) -> alt.Scale:
    return alt.Scale(domain=list(names), range=[values[n % len(values)] for n in range(len(names))])


def change() -> Layers:
    """Dot plot of mean differences with 95 % intervals. Data: `changes` (label, before, after, mean, low, high, n, kind)."""
    kinds = ["rise", "fall", "unclear"]
    colours = alt.Scale(domain=kinds, range=[RELATIONS[Relation.SYNERGY], RELATIONS[Relation.BOTTLENECK], "$muted"])
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1)
    base = alt.Chart(alt.NamedData("changes")).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=170, ticks=False, domain=False, grid=False)),
        color=alt.Color("kind:N", scale=colours, legend=legend),
        tooltip=["label:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("before", "after", "mean", "low", "high")), "n:Q"],
    )
    shape = alt.Shape("kind:N", scale=_cycle(kinds, ("triangle-up", "triangle-down", "circle")), legend=legend)
    zero = alt.Chart(_inline([{"zero": 0}])).mark_rule(color="$muted").encode(x="zero:Q")
    bars = base.mark_rule(strokeWidth=1.5).encode(
        x=alt.X("low:Q", title="change of the mean score", axis=alt.Axis(tickCount=6)), x2="high:Q"
    )
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(x="mean:Q", shape=shape)
    return alt.layer(zero, bars, dots)


def scatter() -> Layers:
    """Scatter plot of one pair and model with a 2D histogram and a brush. The page fills in the axis titles `$x` and `$y`.

    Data: `points` (id, x, y, region), `squares` (x, y, x2, y2, n), `areas` (region, x, y, x2, y2), `line` (x, y, x2, y2) and `means` (x,
    y).
    """
    limits, ticks = alt.Scale(domain=[0, 1], nice=False), alt.Axis(tickCount=5)
    x, y = (alt.X("x:Q", scale=limits, title="$x", axis=ticks), alt.Y("y:Q", scale=limits, title="$y", axis=ticks))
    colour = alt.Color(
        "region:N",
        scale=alt.Scale(domain=list(REGIONS), range=[RELATIONS[Relation.SYNERGY], RELATIONS[Relation.BOTTLENECK], "$accent"]),
        legend=None,
    )
    field = alt.Chart(alt.NamedData("areas"))
    rects = field.mark_rect(opacity=0.16).encode(x, y, x2="x2:Q", y2="y2:Q", color=colour)
    edge = alt.Chart(_inline([{"region": "R_T", "at": 0.02, "up": 0.955}]))
    words = [
        chart.mark_text(align="left", baseline="bottom", color="$muted", dx=4, dy=-3).encode(
            x=alt.X(f"{at}:Q", scale=limits), y=alt.Y(f"{up}:Q", scale=limits), text="region:N"
        )
        for chart, at, up in ((field, "x", "y"), (edge, "at", "up"))
    ]
    density = alt.Chart(alt.NamedData("squares")).mark_rect(color="$ink")
    density = density.encode(
        *(x, y),
        x2="x2:Q",
        y2="y2:Q",
        opacity=alt.Opacity("n:Q", legend=None, scale=alt.Scale(range=[0.03, 0.3], domainMin=0)),
        tooltip=[alt.Tooltip("n:Q", title="samples here")],
    )
    line = alt.Chart(alt.NamedData("line")).mark_rule(color="$ink", strokeWidth=1.5, clip=True).encode(x, y, x2="x2:Q", y2="y2:Q")
    brush = alt.selection_interval(name="brush")
    tips = [alt.Tooltip("id:N", title="sample"), alt.Tooltip("x:Q", format=".3f"), alt.Tooltip("y:Q", format=".3f"), "region:N"]
    dots = (
        alt.Chart(alt.NamedData("points"))
        .mark_point(filled=True, size=55)
        .encode(
            *(x, y, colour),
            shape=alt.Shape("region:N", scale=_cycle(REGIONS, ("triangle-up", "triangle-down", "circle")), legend=None),
            opacity=alt.condition(brush, alt.value(0.85), alt.value(0.2)),
            tooltip=tips,
        )
        .add_params(brush)
    )
    means = alt.Chart(alt.NamedData("means")).mark_point(shape="cross", size=130, filled=True, color="$ink", opacity=1)
    middle = means.encode(
        x, y, tooltip=[alt.Tooltip("x:Q", title="mean of x", format=".3f"), alt.Tooltip("y:Q", title="mean of y", format=".3f")]
    )
    return alt.layer(density, rects, *words, line, dots, middle)


def histogram(title: str, limits: tuple[float, float], labels: str | None = None) -> Layers:
    """Histogram per dimension as a heat strip. Data: `steps` (label, low, high, share)."""
    scale = alt.Scale(domain=list(limits), nice=False)
    axis = alt.Axis(tickCount=6, grid=False, labelExpr=labels or alt.Undefined)
    chart = alt.Chart(alt.NamedData("steps")).mark_rect(color="$accent")
    return alt.layer(
        chart.encode(
            x=alt.X("low:Q", scale=scale, title=title, axis=axis),
            x2="high:Q",
            y=alt.Y("label:N", sort=[label(code) for code in CODES], title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=170)),
            opacity=alt.Opacity("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.06, 1])),
            tooltip=[
                "label:N",
                *(alt.Tooltip(f"{name}:Q", format=".2f") for name in ("low", "high")),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )


def _inline(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])
