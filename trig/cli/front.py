"""`trig front`: conflicts along a knob, Pareto fronts and hypervolumes of the curves of the roster."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer
from rich.table import Table

from trig import params, tables
from trig.errors import ParamsError
from trig.params.sweeps import Curve
from trig.run.display import console, table
from trig.tables.prompts import PROMPTS
from trig.vocabulary.dimensions import Pair

if TYPE_CHECKING:
    from trig.fronts.measure import Fronts

KEY = ["task", "pair"]
ENDS = ("", "_low", "_high")


def front(
    pair: Annotated[str | None, typer.Option(help="Show one pair with all its settings, such as TA-C_TA-S.")] = None,
    prompts: Annotated[Path, typer.Option(help="The prompts table.")] = Path("data/prompts.parquet"),
    scores: Annotated[Path, typer.Option(help="The folder with a scores table per model.")] = Path("data/scores"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: every pair, setting, area and test.")] = False,
) -> None:
    """Shows what a knob trades: conflicts along each knob of the roster, the Pareto front over all models, and hypervolumes."""
    from trig.classify.inputs import roster_scores  # lazy import: scipy slows `trig --help`
    from trig.classify.samples import points, rooted, scored_columns
    from trig.fronts.measure import found_conflicts, measure

    settings = params.load()
    if not settings.curves:
        raise ParamsError(
            f"{params.PATH}: generate.roster: no two models of it are settings of one knob; make some with"
            f" `trig sweep {settings.generate.roster[0]} guidance_scale 1,2,4`, then `dvc repro`"
        )
    roster, limits = settings.generate.roster, settings.thresholds
    asked = tables.read(prompts, PROMPTS)
    held_out = rooted(roster_scores(scores, roster, asked, scored_columns(limits.score)), asked)
    roots = held_out.select("task", "data_id", "root").unique()
    found = measure(points(held_out, limits.score), roots, roster, settings.curves)
    named = found_conflicts(found.conflicts, limits.fdr, limits.min_points)
    if as_json:
        _print_json(found, named, settings.curves)
    elif pair is None:
        for curve in settings.curves:
            _show_curve(curve, found, named.filter(curve=curve.name))
    else:
        _show_pair(_known(pair, found.settings), found, settings.curves)


def _print_json(found: "Fronts", named: pl.DataFrame, curves: tuple[Curve, ...]) -> None:
    conflicts = found.conflicts.join(named.select("curve", *KEY, "rises", "falls"), on=["curve", *KEY], how="left", maintain_order="left")
    rows = {"conflicts": conflicts, "settings": found.settings, "areas": found.areas}
    told = [{"of": one.of, "knob": one.knob, "settings": dict(one.settings)} for one in curves]
    print(json.dumps({"curves": told, **{name: frame.to_dicts() for name, frame in rows.items()}}, indent=2, allow_nan=False))


def _show_curve(curve: Curve, found: "Fronts", named: pl.DataFrame) -> None:
    """A curve: its conflicts, and for every pair its change, its front and its area."""
    shown = console()
    values = ", ".join(f"{value:g}" for _, value in curve.settings)
    shown.print(f"{curve.name}: {values}\n")
    tested = found.conflicts.filter(curve=curve.name)
    shown.print(f"{named.height} conflicts along the knob among {tested.height} pairs")
    for row in named.sort("q").iter_rows(named=True):
        shown.print(
            f"  {row['task']} {row['pair']}: {row['rises']} rises, {row['falls']} falls (q {row['q']:.2g}, {row['clusters']} prompts)"
        )
    shown.print()
    shown.print(_pairs(curve, found, tested))
    shown.print()


def _pairs(curve: Curve, found: "Fronts", tested: pl.DataFrame) -> Table:
    """A row per pair: changes from the first to the last setting, q, models of the front, and the curve's area."""
    areas = {tuple(row[:2]): row for row in found.areas.filter(curve=curve.name).select(*KEY, "area", "area_low", "area_high").rows()}
    fronts = found.settings.filter("front").group_by(KEY).agg(pl.col("model").sort_by("x"))
    on = {(task, pair): models for task, pair, models in fronts.rows()}
    rows = [
        (
            *(key := (row["task"], row["pair"])),
            *(_interval(*[row[f"change_{side}{end}"] for end in ENDS], sign="+") for side in "xy"),
            "–" if row["q"] is None else f"{row['q']:.2g}",
            ", ".join(on.get(key, ())),
            _interval(*areas[key][2:]),
        )
        for row in tested.iter_rows(named=True)
    ]
    return table((*KEY, "change of first", "change of second", "q", "front of all models", "hypervolume of the curve"), rows)


def _show_pair(pair: str, found: "Fronts", curves: tuple[Curve, ...]) -> None:
    """A pair: the mean of every model and setting on both dimensions, and the areas."""
    shown = console()
    values = {model: f"{curve.knob} {value:g}" for curve in curves for model, value in curve.settings}
    first, second = pair.split("_")
    rows = [
        (
            *(str(row["task"]), row["model"], values.get(row["model"], "")),
            *(_interval(*(row[f"{side}{end}"] for end in ENDS)) for side in "xy"),
            "front" if row["front"] else "",
        )
        for row in found.settings.filter(pair=pair).sort("task", "x").iter_rows(named=True)
    ]
    shown.print(table(("task", "model", "setting", first, second, ""), rows))
    shown.print()
    areas = found.areas.filter(pair=pair).select("task", pl.col("curve").fill_null("all models"), "area", "area_low", "area_high").rows()
    shown.print(table(("task", "of", "hypervolume"), [(task, name, _interval(*area)) for task, name, *area in areas]))


def _known(pair: str, settings: pl.DataFrame) -> str:
    """The pair in canonical order. Raises ParamsError when nothing was scored on it."""
    there = settings["pair"].unique().sort().cast(pl.String).to_list()
    name = str(Pair.parse(pair))
    if name not in there:
        raise ParamsError(f"--pair: {pair!r} has no scores; choose one of {', '.join(there)}")
    return name


def _interval(value: Any, low: Any, high: Any, *, sign: str = "") -> str:
    if value is None:
        return "–"
    said = f"{value:{sign}.3f}"
    return said if low is None else f"{said} ({low:.3f} to {high:.3f})"
