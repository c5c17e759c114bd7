"""`trig generate`: paint models through the pipeline; --dry-run counts the pictures to make, and what they cost."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from trig import params, tables
from trig.cli.costs import chosen, repro
from trig.errors import PainterError, TableError, WeightsError
from trig.generate.kept import Kept
from trig.generate.plan import plan
from trig.generate.prompted import prompted
from trig.params import Params
from trig.params.models.openai import ServedModel
from trig.run.display import console, notes, table
from trig.store import Store
from trig.tables.prompts import PROMPTS, scoped, split

ALL = "all"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run of one model, or of all, would make."""

    model: str
    backend: str
    pictures: int  # distinct ones: equal prompts share a picture
    stored: int | None  # pictures, and refusals for good; None where the model is not here
    usd: float | None  # None without a price
    missing: str | None = None  # why the model is not here

    @property
    def to_make(self) -> int:
        """Pictures that are not stored."""
        return self.pictures - (self.stored or 0)


def generate(
    models: Annotated[list[str] | None, typer.Argument(help="Models of the roster; all of it if not given.", show_default=False)] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Paint nothing; say how many pictures are to be made, and what they would cost.")
    ] = False,
    prompts: Annotated[Path, typer.Option(help="The prompts table of a dry run.")] = Path("data/prompts.parquet"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures of a dry run as JSON.")] = False,
) -> None:
    """Paints models with `dvc repro`; with --dry-run counts the pictures and dollars before a prompt is sent."""
    settings = params.load()
    wanted = chosen(models, settings.generate.roster)
    if not dry_run:
        repro([f"generate@{name}" for name in wanted], as_json)
    asked = tables.read(prompts, PROMPTS)
    with Store.look() as store:
        found = [_figures(name, settings, asked, store) for name in wanted]
    whole = _together(found)
    if as_json:
        *rows, last = ({**asdict(each), "to_make": each.to_make} for each in (*found, whole))
        print(json.dumps({"models": rows, ALL: last}, indent=2))
        return
    heads = ("model", "backend", "pictures", "stored", "to make", "US dollars")
    console().print(table(heads, map(_row, (*found, whole) if len(found) > 1 else found), numbers=True))
    notes("not here", (f"{each.model}: {each.missing}" for each in found if each.missing))
    for each in found:
        if each.backend == "openai" and each.usd is None:
            print(f"Model {each.model} has no price: models.{each.model}.price.")


def _figures(name: str, settings: Params, asked: pl.DataFrame, store: Store) -> Figures:
    """A model that is not here has all its pictures to make."""
    from trig.backends import painters

    entry = settings.model(name)
    seeds = settings.generate.seeds_per_prompt
    try:
        keys = set(
            plan(prompted(split(scoped(asked, entry.scope), "test"), entry, seeds), painters.load(settings, name), settings.seed, seeds)[
                "image_key"
            ]
        )
    except (PainterError, TableError, WeightsError) as error:
        return Figures(name, entry.backend, asked["key"].n_unique(), None, None, str(error))
    kept = Kept(store, name)
    kept.look(list(keys))
    stored = sum(map(kept.settled, keys))
    price = entry.price if isinstance(entry, ServedModel) else None
    return Figures(name, entry.backend, len(keys), stored, None if price is None else price * (len(keys) - stored))


def _together(found: Sequence[Figures]) -> Figures:
    dollars = [each.usd for each in found if each.usd is not None]
    return Figures(
        ALL, "", sum(each.pictures for each in found), sum(each.stored or 0 for each in found), sum(dollars) if dollars else None
    )


def _row(each: Figures) -> tuple[str, ...]:
    stored = "–" if each.stored is None else f"{each.stored:,}"
    dollars = "–" if each.usd is None else f"{each.usd:,.4f}"
    return each.model, each.backend, f"{each.pictures:,}", stored, f"{each.to_make:,}", dollars
