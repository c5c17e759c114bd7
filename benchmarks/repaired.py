"""The page of repairs: tables and figure of docs/repair.md, from what `benchmarks.repair` measured."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from trig.files import replace
from trig.report.charts import VEGA_LITE

FIGURE = Path("docs/repair.png")


def figure(rows: pl.DataFrame) -> bytes:
    """PNG of gain against cost: the targets' mean gain and the greatest fall of another dimension, both by the second eye."""
    gains = rows.with_columns(gain=pl.mean_horizontal("x_eye", "y_eye")).drop_nulls("gain")
    points = alt.Chart(gains.select("pair", "way", "gain", "fall")).encode(
        alt.X("fall:Q", title="greatest fall of another dimension, by the second eye"),
        alt.Y("gain:Q", title="mean gain of the two targets, by the second eye"),
        alt.Color("pair:N", title=None),
    )
    names = points.mark_text(align="left", dx=7).encode(text="way:N")
    chart = (points.mark_circle(size=90, opacity=1) + names).properties(
        width=760, height=430, title="What each way of training buys, and what it costs"
    )
    return bytes(vl_convert.vegalite_to_png(chart.to_dict(), vl_version=VEGA_LITE, scale=1.5))


def tables(rows: pl.DataFrame) -> Iterator[str]:
    """Markdown, a table for each pair; bold where an interval excludes 0."""
    for (name,), own in rows.group_by("pair", maintain_order=True):
        sides = [f"{dimension}, {by}" for dimension in str(name).split("_") for by in ("judge", "eye")]
        yield f"**{name}**\n"
        yield "| " + " | ".join(("way", *sides, "worst other, by the eye", "diversity lost", "lessons", "minutes")) + " |"
        yield "|---|" + "---:|" * (len(sides) + 4)
        yield from (f"| {' | '.join(_cells(row))} |" for row in own.iter_rows(named=True))
        yield ""


def _cells(row: dict[str, Any]) -> Iterator[str]:
    yield row["way"]
    if row["lessons"] is None:
        yield from ("–",) * 8
        return
    yield from (_change(row, f"{side}_{by}") for side in "xy" for by in ("judge", "eye"))
    yield from (f"{row['worst']} {row['fall']:+.3f}", f"{row['lost']:.0%}", str(row["lessons"]), f"{row['minutes']:.1f}")


def _change(row: dict[str, Any], name: str) -> str:
    mean, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if mean is None:
        return "–"
    return f"**{mean:+.3f}**" if low is not None and not low <= 0 <= high else f"{mean:+.3f}"


def main() -> None:
    """`python -m benchmarks.repaired FILE…` of `benchmarks.repair` prints the tables and draws the figure."""
    rows = pl.concat([pl.read_csv(file) for file in sys.argv[1:]], how="diagonal_relaxed")
    replace(FIGURE, figure(rows))
    print("\n".join(tables(rows)))


if __name__ == "__main__":
    main()
