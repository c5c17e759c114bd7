"""Two pictures of the report for places that show no page: the maps side by side, and the means of the dimensions."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import altair as alt
import polars as pl
import vl_convert
from PIL import Image

from trig.report import charts, numbers, theme
from trig.report.contents import Contents

FONT = "Liberation Sans"
SIDE = 330  # pixels of a matrix
COLUMNS = 3
CONFIG: Mapping[str, Any] = {
    "font": FONT,
    "background": theme.LIGHT["surface"],
    "padding": 16,
    "view": {"stroke": None},
    "axis": {"labelColor": "$muted", "titleColor": "$muted", "gridColor": "$line", "domainColor": "$line", "tickColor": "$line"},
    "title": {"anchor": "start", "color": "$ink", "fontSize": 14},
    "concat": {"spacing": 28},
}


def maps(contents: Contents) -> bytes:
    """The map of each model as a matrix, as PNG."""
    means = numbers.means(contents.scores, contents.score)
    shown = [_map(contents, means, model, task) for model in contents.models for task in contents.tasks]
    grid = alt.concat(*shown, columns=COLUMNS).resolve_scale(color="independent")
    return _png(alt.vconcat(grid, _legend()).resolve_scale(color="independent"))


def dimensions(contents: Contents) -> bytes:
    """The mean score of each dimension per model, as PNG."""
    means = numbers.means(contents.scores, contents.score)
    return _png(charts.dimensions(means, contents.models).properties(width=620, height=charts.dimensions_height(contents.models)))


def _map(contents: Contents, means: pl.DataFrame, model: str, task: str) -> charts.Layers:
    own = contents.relations.filter(pl.col("model") == model, pl.col("task") == task)
    level = dict(means.filter(pl.col("model") == model).select("dimension", "mean").drop_nulls().iter_rows())
    title = model if len(contents.tasks) == 1 else f"{model} · {task}"
    return charts.matrix(own, level).properties(width=SIDE, height=SIDE, title=title)


def _legend() -> charts.Layers:
    rows = [{"kind": name, "glyph": theme.GLYPHS[name], "at": 105 * place} for place, name in enumerate(theme.RELATIONS)]
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=alt.X("at:Q", scale=None, axis=None), y=alt.value(12))
    squares = base.mark_point(shape="square", size=420, filled=True, opacity=1, xOffset=12).encode(color=charts.fill_colour())
    glyphs = base.mark_text(fontSize=11, xOffset=12).encode(text="glyph:N", color=charts.text_colour())
    names = base.mark_text(align="left", fontSize=11, xOffset=28, color="$ink").encode(text="kind:N")
    return alt.layer(squares, glyphs, names).properties(width=105 * len(rows), height=24)


def _png(chart: alt.TopLevelMixin) -> bytes:
    spec = theme.fill({**charts.spec(chart), "config": dict(CONFIG)}, theme.LIGHT)
    drawn = vl_convert.vegalite_to_png(spec, vl_version=charts.VEGA_LITE, scale=2)
    packed = BytesIO()
    with Image.open(BytesIO(drawn)) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()
