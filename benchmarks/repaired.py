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
RUINED, APART = 0.2, 0.0017
"""Fall of a dimension from which on a way is not drawn; least distance of two labels."""


def figure(rows: pl.DataFrame) -> bytes:
    """PNG of gain against cost for each pair: the targets' mean gain and the greatest fall of another dimension, both by the second eye.

    Ways that ruin a dimension are in the tables only.
    """
    gains = rows.with_columns(gain=pl.mean_horizontal("x_eye", "y_eye")).drop_nulls("gain").filter(pl.col("fall") > -RUINED)
    shown = pl.concat(_labelled(own.sort("gain")) for own in gains.partition_by("pair", maintain_order=True))
    y = alt.Y("gain:Q", title="mean gain of the two targets, by the second eye")
    base = alt.Chart(shown.select("pair", "way", "gain", "fall", "at", "end")).encode(
        alt.X("fall:Q", title="greatest fall of another dimension, by the second eye", scale=alt.Scale(nice=False, domain=[-0.09, 0.055]))
    )
    names = base.mark_text(align="left", dx=3, fontSize=11).encode(x="end:Q", y="at:Q", text="way:N")
    lines = base.mark_rule(opacity=0.25).encode(y=y, y2="at:Q", x2="end:Q")
    chart = (lines + base.mark_circle(size=80, opacity=1).encode(y=y) + names).properties(width=460, height=330)
    whole = chart.facet(alt.Column("pair:N", title=None)).properties(title="What each way of training buys, and what it costs")
    return bytes(vl_convert.vegalite_to_png(whole.to_dict(), vl_version=VEGA_LITE, scale=1.5))


def _labelled(rows: pl.DataFrame) -> pl.DataFrame:
    """Heights of labels, apart from each other; `rows` are from the lowest gain to the highest."""
    heights: list[float] = []
    for gain in rows["gain"]:
        heights.append(max(gain, heights[-1] + APART) if heights else gain)
    return rows.with_columns(at=pl.Series(heights), end=pl.lit(0.004))


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
