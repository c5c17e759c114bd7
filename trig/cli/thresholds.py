"""`trig thresholds`: sensitivity of the verdicts to the thresholds."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from trig import params, tables
from trig.errors import ParamsError
from trig.files import replacing
from trig.params.thresholds import Thresholds
from trig.run.display import console, table
from trig.tables.prompts import PROMPTS
from trig.vocabulary.relations import Relation

if TYPE_CHECKING:
    from trig.classify.sweep import Axis

SHOWN = 40
"""Maximum flipped pairs on the terminal."""
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Shows which relations change when one or two thresholds move; the others stay as params.yaml has them."""
    from trig.classify.inputs import roster_scores  # lazy import: scipy slows `trig --help`
    from trig.classify.samples import grouped, points, scored_columns
    from trig.classify.sweep import axis, counts, flips, possible, sweep

    swept = [axis(text) for text in axes]
    _possible(len(swept), out, plot)
    settings = params.load()
    roster = models or settings.generate.roster
    if unknown := [model for model in roster if model not in settings.generate.roster]:
        raise ParamsError(f"--model: {unknown[0]!r} is not in generate.roster; choose from {', '.join(settings.generate.roster)}")
    column = settings.thresholds.score
    samples = grouped(points(roster_scores(scores, roster, tables.read(prompts, PROMPTS), scored_columns(column)), column))
    able, wrong = possible(settings.thresholds, swept)
    found, now = sweep(samples, able), sweep(samples, [({}, settings.thresholds)])
    counted, flipped = counts(found, now, swept), flips(found, swept)
    if out:
        with replacing(out) as part:
            found.write_parquet(part)
    if plot:
        _plot(counted, swept, settings.thresholds, plot)
    if as_json:
        _print_json(counted, flipped, swept, wrong)
        return
    shown = console()
    shown.print(_counts(counted, swept))
    if wrong:
        shown.print(f"\n{len(wrong)} of {len(able) + len(wrong)} settings are impossible and left out: {wrong[0]}")
    _show_flips(shown, flipped, swept)
    for file, what in ((out, f"{found.height} rows are"), (plot, "the plot is")):
        if file:
            shown.print(f"{what} in {file}")


def _possible(swept: int, out: Path | None, plot: Path | None) -> None:
    """Validate the arguments. Raises ParamsError."""
    if swept > 2:
        raise ParamsError(f"{swept} thresholds: one or two can be swept together")
    for option, file, ends in (("--out", out, (".parquet",)), ("--plot", plot, FILES)):
        if file and file.suffix not in ends:
            raise ParamsError(f"{option}: {file}: the file must end in {', '.join(ends)}")


def _print_json(counted: pl.DataFrame, flipped: Sequence[tuple[str, ...]], swept: "Sequence[Axis]", wrong: Sequence[str]) -> None:
    rows = [dict(zip(_flip_names(swept), row, strict=True)) for row in flipped]
    print(json.dumps({"settings": counted.to_dicts(), "flips": rows, "impossible": list(wrong)}, indent=2))


def _counts(counted: pl.DataFrame, axes: "Sequence[Axis]") -> Table:
    """A row per setting: pairs per relation, and pairs unchanged from params.yaml."""
    rows = [
        (*(f"{row[one.name]:g}" for one in axes), *(str(row[f"n_{name}"] or "·") for name in Relation), f"{row['kept']:.0%}")
        for row in counted.iter_rows(named=True)
    ]
    return table((*(one.name for one in axes), *Relation, "as in params.yaml"), rows)


def _show_flips(shown: Console, found: Sequence[tuple[str, ...]], axes: "Sequence[Axis]") -> None:
    if not found:
        shown.print(f"\nNo pair changes its relation along {axes[0].name}.")
        return
    shown.print()
    shown.print(table(_flip_names(axes), found[:SHOWN]))
    if len(found) > SHOWN:
        shown.print(f"and {len(found) - SHOWN} more; --out writes every pair at every setting, --model shows one model")


def _flip_names(axes: "Sequence[Axis]") -> tuple[str, ...]:
    return ("model", "task", "pair", *(one.name for one in axes[1:]), f"relation along {axes[0].name}")


def _plot(counted: pl.DataFrame, axes: "Sequence[Axis]", thresholds: Thresholds, path: Path) -> None:
    """Line chart: share of pairs unchanged from params.yaml over the first threshold; a line per value of the second."""
    import altair as alt

    first, *rest = axes
    x = alt.X(f"{first.name}:Q", title=first.name, scale=alt.Scale(zero=False))
    y = alt.Y("kept:Q", title="pairs with the relation of params.yaml", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    colour = [alt.Color(f"{one.name}:O", title=one.name, scale=alt.Scale(scheme="viridis")) for one in rest]
    names = [*(one.name for one in axes), "kept"]
    lines = alt.Chart(alt.InlineData(values=counted.select(names).to_dicts())).mark_line(point=True).encode(x, y, *colour)
    now = alt.Chart(alt.InlineData(values=[{first.name: getattr(thresholds, first.name)}])).mark_rule(strokeDash=[4, 4]).encode(x)
    chart = alt.layer(lines, now).properties(width=560, height=320, title="How steady the map is, against a threshold")
    from trig.report.stills import embedded_fonts

    with embedded_fonts(), replacing(path) as part:
        kind: Any = path.suffix[1:]
        chart.save(part, format=kind, inline=path.suffix == ".html", scale_factor=2 if path.suffix == ".png" else 1)
