"""`trig prompting`: what prompting with the map changes on test prompts, beside its control."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from trig import params, tables
from trig.errors import ParamsError
from trig.run.display import console, table
from trig.tables.prompts import PROMPTS

GROUPS = ("model", "base", "prompting", "pictures", "over", "pairs", "samples", "before", "after", "change", "flag")
PAIRS = ("task", "pair", "relation", "recipe", "candidates", "gain in training", "change", "samples")


def prompting(
    model: Annotated[str | None, typer.Argument(help="Show what this model learnt, pair by pair.", show_default=False)] = None,
    prompts: Annotated[Path, typer.Option(help="The prompts table.")] = Path("data/prompts.parquet"),
    scores: Annotated[Path, typer.Option(help="The folder with a scores table per model.")] = Path("data/scores"),
    zoo: Annotated[Path, typer.Option(help="The folder with the record of each model.")] = Path("data/zoo"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: every model and pair.")] = False,
) -> None:
    """Shows what rewritten prompts change on test prompts, with the best of several seeds beside them."""
    from trig.classify.inputs import roster_scores  # lazy import: scipy slows `trig --help`
    from trig.classify.samples import points, rooted, scored_columns
    from trig.prompting.outcome import cards, outcomes, pictures

    settings = params.load()
    roster, score = settings.generate.roster, settings.thresholds.score
    known = cards(zoo, roster)
    if not known:
        raise ParamsError(f"{params.PATH}: generate.roster: no model of it is prompted; see docs/design/prompting.md for the lines to add")
    if model is not None and model not in known:
        raise ParamsError(f"prompting: {model!r} is not prompted, or not in generate.roster; choose one of {', '.join(known)}")
    asked = tables.read(prompts, PROMPTS)
    held_out = rooted(roster_scores(scores, roster, asked, scored_columns(score)), asked)
    found = outcomes(known, points(held_out, score), held_out.select("task", "data_id", "root").unique())
    told = [{**one, "pictures": pictures(one)} for one in found if model in (None, one["model"])]
    if as_json:
        print(json.dumps(told, indent=2, allow_nan=False))
        return
    console().print(table(GROUPS, (row for one in told for row in _groups(one))))
    if model is not None and told[0]["pairs"]:
        console().print()
        console().print(table(PAIRS, map(_pair, told[0]["pairs"])))


def _groups(one: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    by = f"best of {one['draws']} seeds" if one["draws"] else f"{one['by']}, {one['writer']}"
    known = (one["model"], one["base"], by, f"{one['pictures']:,}")
    return [
        (
            *(*known, group["scope"], str(group["pairs"]), str(group["n"])),
            *(_known(group["before"]), _known(group["after"]), _interval(group["change"], group["low"], group["high"]), one["flag"] or ""),
        )
        for group in one["groups"]
    ]


def _pair(row: Mapping[str, Any]) -> Sequence[str]:
    return (
        *(row["task"], row["pair"], row["relation"], row["recipe"] or "as it is", str(row["trials"])),
        *(_interval(row["gain"], row["gain_low"], row["gain_high"]), _interval(row["change"], row["low"], row["high"]), str(row["n"])),
    )


def _known(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:+.3f}" if low is None else f"{value:+.3f} ({low:+.3f} to {high:+.3f})"
