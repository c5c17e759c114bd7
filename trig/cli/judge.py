"""`trig judge`: judge models through the pipeline; --dry-run estimates tokens and cost."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from trig import params, tables
from trig.cli.costs import chosen, line, repro, sheet
from trig.judge.album import Album
from trig.judge.calls import Call
from trig.judge.plan import Plan, pictured, plan, together
from trig.judge.run import Painted, calls
from trig.llm.cost import length
from trig.params import Params
from trig.params.judge import LocalJudge
from trig.run.display import bar, console
from trig.store import Store
from trig.tables.prompts import PROMPTS, numbered, scoped, split
from trig.tables.sources import Library

ALL = "all"


def judge(
    models: Annotated[list[str] | None, typer.Argument(help="Models of the roster; all of it if not given.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask nothing; say how much would be asked, and what it would cost.")] = False,
    prompts: Annotated[Path, typer.Option(help="The prompts table of a dry run.")] = Path("data/prompts.parquet"),
    sources: Annotated[Path, typer.Option(help="The folder of source pictures, of a dry run.")] = Path("data/sources"),
    images: Annotated[Path, typer.Option(help="The folder with a folder of images per model, of a dry run.")] = Path("data/images"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures of a dry run as JSON.")] = False,
) -> None:
    """Judges models with `dvc repro`; with --dry-run counts the questions, tokens and dollars before a picture or a prompt is sent."""
    settings = params.load()
    wanted = chosen(models, settings.generate.roster)
    if not dry_run:
        repro([f"judge@{name}" for name in wanted], as_json)
    asked = tables.read(prompts, PROMPTS)
    revision, plans = _plans(settings, wanted, asked, Library(sources), images)
    entry = settings.judges[settings.judge.name]
    price = None if isinstance(entry, LocalJudge) else entry.price
    from trig.backends.judges.completions import LONGEST

    cost = partial(Plan.usd, price=price, answers=settings.judge.samples * LONGEST if settings.judge.mode == "sampled" else 1)
    if as_json:
        whole = together(list(plans.values()))
        *figures, last = (_figures(name, each, cost(each)) for name, each in (*plans.items(), (ALL, whole)))
        print(json.dumps({"judge": f"{settings.judge.name}@{revision}", "models": figures, ALL: last}, indent=2))
    else:
        _print(plans, cost, settings.judge.name)


def _plans(settings: Params, models: Sequence[str], asked: pl.DataFrame, sources: Library, images: Path) -> tuple[str, dict[str, Plan]]:
    """The judge's revision, and the plan of each model's run. A served judge is probed with our own text only."""
    from trig.backends import checkpoint, judges
    from trig.backends.weights import checkpoint_of

    place = checkpoint_of(settings.judges[settings.judge.name])
    known = checkpoint.read(place) if checkpoint.there(place) else checkpoint.Checkpoint(None, None, None)
    shown = known.vision.tokens if known.vision else None

    def tokens(call: Call) -> int:
        return length(call.text, call.shown.sizes, known.count, shown)

    revision = judges.load(settings).revision
    found: dict[str, Plan] = {}
    with Store.look() as store:
        for name in models:
            entry, folder = settings.model(name), images / name
            made = Album(tables.shards(folder))
            wanted = numbered(split(scoped(asked, entry.scope), "test"), settings.generate.seeds_per_prompt)
            painted = Painted(wanted, sources, pictured(wanted, made, name, entry.width, entry.height))
            found[name] = plan(calls(painted, revision, settings.judge, partial(bar, f"read {name}")), store, tokens)
    return revision, found


def _figures(name: str, each: Plan, usd: float | None) -> dict[str, object]:
    return {"model": name, **each.figures(usd), "unpainted": each.unpainted}


def _print(plans: Mapping[str, Plan], cost: Callable[[Plan], float | None], judge: str) -> None:
    whole = together(list(plans.values()))
    rows = {**plans, ALL: whole} if len(plans) > 1 else plans
    told = [(name, *line(each, cost(each), "≤ " if each.unpainted else "")) for name, each in rows.items()]
    console().print(sheet("model", told))
    print("Tokens are estimates, without those that the judge's chat template adds.")
    if cost(whole) is None:
        print(f"Judge {judge} has no price: judges.{judge}.price.")
    if whole.unpainted:
        print(f"≤: {whole.unpainted:,} questions are about pictures that are still to be made.")
