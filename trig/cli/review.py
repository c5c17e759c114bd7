"""`trig review`: people judge prompts; export what they fill in, and import what they answered."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer
from rich.table import Table

from trig import tables
from trig.errors import FileError, ParamsError
from trig.files import replace
from trig.run.display import console, table
from trig.tables.prompts import PROMPTS
from trig.tables.sources import SOURCES, Library

if TYPE_CHECKING:
    from trig.annotate.review.consensus import Outcome, Share

app = typer.Typer(no_args_is_help=True, help="Let people judge prompts, and take over their verdicts.")
SHOWN = 40
"""Open prompts on the terminal; all of them are in the file."""


@app.command("export")
def exported(
    prompts: Annotated[Path, typer.Argument(help="The prompts table.")],
    out: Annotated[Path, typer.Option(help="The folder of the review: `raters/` goes to the raters, key.json must not.")],
    source: Annotated[Path, typer.Option(help="The source pictures of editing and subject prompts.")] = Path("data/sources"),
    sample: Annotated[int | None, typer.Option(min=1, help="Prompts per subset and split; all if not given.", show_default=False)] = None,
    repeats: Annotated[float, typer.Option(min=0, max=0.5, help="Share of the prompts that come twice.")] = 0.05,
    gold: Annotated[Path | None, typer.Option(help="A CSV file of prompts whose answers are known.", show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Another seed takes other prompts, in another order.")] = 0,
) -> None:
    """Writes one offline page and a CSV file; a rater fills in one of them and sends back the CSV file."""
    from trig.annotate.review import items, page

    chosen = items.choose(tables.read(prompts, PROMPTS), sample, seed)
    known = items.gold(gold, seed) if gold else []
    key = items.mixed(chosen, known, repeats, seed)
    place = out / "key.json"
    if place.exists() and items.load(place) != key:
        raise FileError(f"{place}: another review, whose raters need this key, is in this folder; name another with --out")
    shown = page.render(key, Library(source))
    replace(out / "raters" / "review.html", shown.encode("utf-8", "replace"))
    page.table(key, _described(source) if any(item.source for item in key.items) else {}, out / "raters" / "review.csv")
    items.save(key, place)
    again = len(key.of("again"))
    print(
        f"{out / 'raters'}: {len(chosen)} prompts of {len(items.subsets(chosen))} subsets, {again} of them twice, and {len(known)} gold items"
    )
    print(f"Give raters review.html or review.csv, and keep {place}: `trig review import` needs it")


def _described(source: Path) -> dict[str, str]:
    """What each source picture shows."""
    shown = tables.read(source, SOURCES.only(["subject", "description"]))
    return dict(shown.select("source", pl.coalesce("description", "subject")).iter_rows())


@app.command("import")
def imported(
    files: Annotated[list[Path], typer.Argument(help="The CSV files that raters sent back.")],
    key: Annotated[Path, typer.Option(help="The key.json of the export.")],
    out: Annotated[Path, typer.Option(help="The verdicts, such as data/review/NAME.csv; the figures go to NAME.json.")],
    partial: Annotated[bool, typer.Option("--partial", help="Take files in which prompts are not answered.")] = False,
    gold_score: Annotated[float, typer.Option(min=0, max=1, help="Raters below this share of right gold answers are left out.")] = 0.7,
    votes: Annotated[int, typer.Option(min=1, help="Fewer votes leave a prompt open.")] = 1,
    majority: Annotated[
        float, typer.Option(min=0.5, max=1, help="A smaller share of the votes leaves a prompt open; a tie always does.")
    ] = 0.6,
    spread: Annotated[int, typer.Option(min=0, max=4, help="Grades of quality further apart leave a prompt open.")] = 3,
    anew: Annotated[bool, typer.Option("--replace", help="Replace verdicts that are there already.")] = False,
) -> None:
    """Checks what raters answered, shows how far they agree, and writes a verdict per prompt; who settles an open one edits the file."""
    from trig.annotate.review import COLUMNS, answers, items, sheet
    from trig.annotate.review.consensus import Rule, figures, outcome

    if out.suffix != ".csv":
        raise ParamsError(f"--out: {out}: the file must end in .csv")
    if out.exists() and not anew:
        raise FileError(f"{out}: it is there already, perhaps with verdicts settled by hand; name another, or add --replace")
    review, rule = items.load(key), Rule(gold_score, votes, majority, spread)
    filled = answers.collect(files, {item.id for item in review.items}, partial)
    found = outcome(review, filled, rule)
    rows = [
        {"key": item.key, "task": item.task.value, "data_id": item.data_id, "verdict": verdict.verdict, "votes": verdict.votes}
        | {"reason": verdict.reason, "prompt": item.prompt}
        for item, verdict in found.verdicts
    ]
    told = figures(review, found, rule)
    sheet.write(out, COLUMNS, rows)
    replace(out.with_suffix(".json"), (json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())
    _show(found, rule.gold)
    counts = ", ".join(f"{count} {name}" for name, count in told["verdicts"].items())
    print(f"\n{out}: {counts}; the figures are in {out.with_suffix('.json')}")


def _show(found: "Outcome", gold: float) -> None:
    shown = console()
    shown.print(_raters(found))
    shown.print()
    alphas = [
        (each["question"], each["level"], "–" if each["alpha"] is None else f"{each['alpha']:.3f}", str(each["units"]))
        for each in found.alphas
    ]
    shown.print(table(("question", "level", "alpha", "units with two ratings or more"), alphas, numbers=True))
    for one in found.raters:
        if not one.kept:
            shown.print(f"\n{one.rater} is left out: {_of(one.gold)} of the gold answers are right, and {gold:.0%} are needed")
    waiting = [(item, verdict) for item, verdict in found.verdicts if verdict.verdict == "open"]
    if waiting:
        rows = [(item.task.value, item.data_id, verdict.votes, verdict.reason) for item, verdict in waiting[:SHOWN]]
        shown.print()
        shown.print(table(("task", "data_id", "votes", "why a person has to settle it"), rows))
        if len(waiting) > SHOWN:
            shown.print(f"and {len(waiting) - SHOWN} more")


def _raters(found: "Outcome") -> Table:
    rows = [(one.rater, str(one.answered), _of(one.gold), _of(one.repeats), _of(one.consensus)) for one in found.raters]
    return table(("rater", "answered", "gold", "same on repeats", "with the others"), rows, numbers=True)


def _of(share: "Share") -> str:
    return "–" if share.share is None else f"{share.share:.0%} of {share.of}"
