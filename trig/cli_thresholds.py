"""`trig thresholds`: where verdicts flip when thresholds move."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from trig import params, tables
from trig.dimensions import Relation
from trig.errors import ParamsError
from trig.params import Thresholds

if TYPE_CHECKING:
    from trig.classify.sweep import Axis

SHOWN = 40
"""Pairs that flip, shown on the terminal."""
FILES = (".png", ".svg", ".html")


def thresholds(
    axes: Annotated[list[str], typer.Argument(metavar="NAME=FROM:TO:STEP", help="One or two thresholds, or NAME=VALUE,VALUE.")],
    models: Annotated[
        list[str] | None, typer.Option("--model", help="A model of the roster; may be given more than once. All if not given.")
    ] = None,
    prompts: Annotated[Path, typer.Option(help="The prompts table.")] = Path("data/prompts.parquet"),
    scores: Annotated[Path, typer.Option(help="The folder with a scores table per model.")] = Path("data/scores"),
    out: Annotated[Path | None, typer.Option(help="Write the relation of every pair at every setting to this .parquet file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the share of pairs that keep their relation, as .png, .svg or .html.")] = None,
) -> None:
    """Shows which relations change when one or two thresholds move; the others stay as params.yaml has them."""
    from trig.classify.inputs import roster_scores  # these import scipy, and `trig --help` must not wait for it
    from trig.classify.samples import gather, judged
    from trig.classify.sweep import axis, counts, flips, possible, sweep

    swept = [axis(text) for text in axes]
    if len(swept) > 2:
        raise ParamsError(f"{len(swept)} thresholds: one or two can be swept together")
    if out and out.suffix != ".parquet":
        raise ParamsError(f"--out: {out}: the file must end in .parquet")
    if plot and plot.suffix not in FILES:
        raise ParamsError(f"--plot: {plot}: the file must end in {', '.join(FILES)}")
    settings = params.load()
    roster = models or settings.generate.roster
    if unknown := [model for model in roster if model not in settings.generate.roster]:
        raise ParamsError(f"--model: {unknown[0]!r} is not in generate.roster; choose from {', '.join(settings.generate.roster)}")
    column = settings.thresholds.score
    samples = gather(roster_scores(scores, roster, tables.read(prompts, tables.PROMPTS), judged(column)), column, None)
    able, wrong = possible(settings.thresholds, swept)
    found, now = sweep(samples, able), sweep(samples, [({}, settings.thresholds)])
    counted = counts(found, now, swept)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(_counts(counted, swept))
    if wrong:
        console.print(f"\n{len(wrong)} of {len(able) + len(wrong)} settings are impossible and left out: {wrong[0]}")
    _show_flips(console, flips(found, swept), swept)
    if out:
        found.write_parquet(out)
        console.print(f"{found.height} rows are in {out}")
    if plot:
        _plot(counted, swept, settings.thresholds, plot)
        console.print(f"the plot is in {plot}")


def _counts(counted: pl.DataFrame, axes: "Sequence[Axis]") -> Table:
    """A row per setting: how many pairs show each relation, and how many keep that of params.yaml."""
    drawn = Table(*(one.name for one in axes), *Relation, "as in params.yaml", box=None, pad_edge=False)
    for row in counted.iter_rows(named=True):
        drawn.add_row(*(f"{row[one.name]:g}" for one in axes), *(str(row[f"n_{name}"] or "·") for name in Relation), f"{row['kept']:.0%}")
    return drawn


def _show_flips(console: Console, found: Sequence[tuple[str, ...]], axes: "Sequence[Axis]") -> None:
    if not found:
        console.print(f"\nNo pair changes its relation along {axes[0].name}.")
        return
    drawn = Table("model", "task", "pair", *(one.name for one in axes[1:]), f"relation along {axes[0].name}", box=None, pad_edge=False)
    for row in found[:SHOWN]:
        drawn.add_row(*row)
    console.print()
    console.print(drawn)
    if len(found) > SHOWN:
        console.print(f"and {len(found) - SHOWN} more; --out writes every pair at every setting, --model shows one model")


def _plot(counted: pl.DataFrame, axes: "Sequence[Axis]", thresholds: Thresholds, path: Path) -> None:
    """The share of pairs that keep the relation of params.yaml, against the first threshold; a line for each value of the second."""
    import altair as alt

    first, *rest = axes
    x = alt.X(f"{first.name}:Q", title=first.name, scale=alt.Scale(zero=False))
    y = alt.Y("kept:Q", title="pairs with the relation of params.yaml", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    colour = [alt.Color(f"{one.name}:O", title=one.name, scale=alt.Scale(scheme="viridis")) for one in rest]
    names = [*(one.name for one in axes), "kept"]
    lines = alt.Chart(alt.InlineData(values=counted.select(names).to_dicts())).mark_line(point=True).encode(x, y, *colour)
    now = alt.Chart(alt.InlineData(values=[{first.name: getattr(thresholds, first.name)}])).mark_rule(strokeDash=[4, 4]).encode(x)
    chart = alt.layer(lines, now).properties(width=560, height=320, title="How steady the map is, against a threshold")
    chart.save(path, inline=path.suffix == ".html", scale_factor=2 if path.suffix == ".png" else 1)
