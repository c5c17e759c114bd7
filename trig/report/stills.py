"""Static images (PNG) of the report: maps side by side, and mean score per dimension."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import altair as alt
import numpy as np
import polars as pl
import vl_convert
from PIL import Image

from trig.report import charts, numbers, theme
from trig.report import fronts as planes
from trig.report.contents import Contents, Gathered

FONT = "Liberation Sans"
FONTS = "FONTCONFIG_FILE"
SIDE = 330  # side of a matrix in pixels
COLUMNS = 3
MOST = 12  # maximum number of maps; the page shows all
EXACT = 32  # colours that are kept as they are
OFF = 4  # levels by which an octree is off
CONFIG: Mapping[str, Any] = {
    "font": FONT,
    "background": theme.LIGHT["surface"],
    "padding": 16,
    "view": {"stroke": None},
    "axis": {"labelColor": "$muted", "titleColor": "$muted", "gridColor": "$line", "domainColor": "$line", "tickColor": "$line"},
    "title": {"anchor": "start", "color": "$ink", "fontSize": 14},
    "concat": {"spacing": 28},
}


@contextmanager
def embedded_fonts() -> Iterator[None]:
    """Reproducible text: only vl-convert's bundled fonts, by a fontconfig file without font folders, which it reads at the first chart."""
    before = os.environ.get(FONTS)
    with TemporaryDirectory() as empty:
        settings = Path(empty) / "fonts.conf"
        settings.write_text(f"<fontconfig><dir>{empty}</dir></fontconfig>", "utf-8")
        os.environ[FONTS] = str(settings)
        try:
            yield
        finally:
            del os.environ[FONTS]
            os.environ.update({} if before is None else {FONTS: before})


def warm() -> None:
    """Starts vl-convert's V8, which takes half a second, and once in a process."""
    _png(_legend())


def drawn(contents: Contents, worker: Executor) -> dict[str, Future[bytes]]:
    """map.png and fronts.png, as a worker draws them."""
    return {name: worker.submit(draw, contents) for name, draw in (("map.png", maps), ("fronts.png", fronts))}


def maps(contents: Contents) -> bytes:
    """Dimension Trade-off Maps as matrices, the first `MOST` (model, task) combinations, as PNG; it says where there are more."""
    chart = charts.spec(charts.matrix().properties(width=SIDE, height=SIDE))
    chart.pop("$schema")
    known = mapped(contents)
    shown = [_map(contents, chart, *one) for one in known[:MOST]]
    legend = _legend()
    grid: charts.Spec = {"concat": shown, "columns": COLUMNS, "resolve": {"scale": {"color": "independent"}}}
    if len(known) > len(shown):
        grid["title"] = f"{len(shown)} of {len(known)} maps; the report has all"
    return _png({"$schema": legend.pop("$schema"), "vconcat": [grid, legend], "resolve": {"scale": {"color": "independent"}}})


def mapped(contents: Contents) -> list[tuple[str, str]]:
    """Each model and task with relations: a model may be asked about some tasks only."""
    known = set(contents.relations.select("model", "task").unique().iter_rows())
    return [(model, task) for task in contents.tasks for model in contents.models if (model, task) in known]


def fronts(contents: Contents) -> bytes:
    """Curves of a knob through the planes of the first `MOST` pairs, those in conflict along it first, as PNG; without a curve a line that says so."""
    found = contents.digest.facts["fronts"]
    chart = charts.spec(planes.plane([curve["name"] for curve in found["curves"]]).properties(width=SIDE, height=SIDE))
    schema = chart.pop("$schema")
    shown = [
        theme.fill({**charts.filled(chart, data), "title": title}, dict(zip("xy", map(charts.label, pair.split("_")), strict=True)))
        for title, pair, data in planes.planes(found, contents.thresholds, MOST)
    ]
    known = len({(row["task"], row["pair"]) for row in found["turned"]})
    left_out = {"title": f"{len(shown)} of {known} pairs; the report has all"} if known > len(shown) else {}
    nothing: charts.Spec = {
        "title": "No curve: `trig sweep` makes one",
        "mark": "point",
        "data": {"values": []},
        "width": SIDE,
        "height": 1,
    }
    return _png({"$schema": schema, "concat": shown or [nothing], "columns": COLUMNS, **left_out})


def dimensions(run: Gathered) -> bytes:
    """Mean score per dimension and model, as PNG."""
    rows = numbers.means(run.answers, run.score).drop_nulls("mean").to_dicts()
    means = [{**row, "label": charts.label(row["dimension"])} for row in rows]
    chart = charts.intervals(run.models, "mean score, 0 to 1")
    chart = chart.properties(width=620, height=charts.intervals_height(run.models))
    return _png(charts.filled(charts.spec(chart), {"means": means}))


def _map(contents: Contents, chart: charts.Spec, model: str, task: str) -> charts.Spec:
    own = contents.relations.filter(pl.col("model") == model, pl.col("task") == task)
    codes = pl.col("pair").cast(pl.String).str.split("_")
    rows = own.select("pair", "relation", "leaning", "evidence", "rho", x=codes.list.get(0), y=codes.list.get(1)).to_dicts()
    level = [{"mean": row["mean"], "code": row["dimension"]} for row in contents.means(model, task)]
    title = model if len(contents.tasks) == 1 else f"{model} · {task}"
    return dict(charts.filled({**chart, "title": title}, {"relations": rows, "means": level}))


def _legend() -> charts.Spec:
    rows = [{"relation": name, "glyph": theme.GLYPHS[name], "at": 105 * index} for index, name in enumerate(theme.RELATIONS)]
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=alt.X("at:Q", scale=None, axis=None), y=alt.value(12))
    squares = base.mark_point(shape="square", size=420, filled=True, opacity=1, xOffset=12).encode(color=charts.relation_colour())
    glyphs = base.mark_text(fontSize=11, xOffset=12).encode(text="glyph:N", color=charts.glyph_colour())
    names = base.mark_text(align="left", fontSize=11, xOffset=28, color="$ink").encode(text="relation:N")
    return charts.spec(alt.layer(squares, glyphs, names).properties(width=105 * len(rows), height=24))


def _png(chart: charts.Spec) -> bytes:
    spec = theme.fill({**chart, "config": dict(CONFIG)}, theme.LIGHT)
    with embedded_fonts():
        found = vl_convert.vegalite_to_png(spec, vl_version=charts.VEGA_LITE, scale=2)
    packed = BytesIO()
    with Image.open(BytesIO(found)) as picture:
        _indexed(picture.convert("RGB")).save(packed, "PNG")
    return packed.getvalue()


def _indexed(picture: Image.Image) -> Image.Image:
    """With 256 colours, of which the commonest are exact: an octree is ten times as fast as a median cut, and a level off."""
    found = picture.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = np.reshape(found.getpalette() or [], (-1, 3))
    exact = np.array([colour for _, colour in sorted(picture.getcolors(picture.width * picture.height) or (), reverse=True)[:EXACT]])
    for colour in exact[::-1]:  # the commonest last
        off = np.abs(palette - colour).max(axis=1)
        if off.min() <= OFF:  # or it shares an entry with another
            palette[off.argmin()] = colour
    found.putpalette(palette.ravel().tolist())
    return found
