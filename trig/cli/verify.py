"""`trig verify`: whether the tables are what they claim."""

import json
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

from trig import params, tables
from trig.errors import WeightsError
from trig.params import Params
from trig.params.models.diffusers import DiffusersModel
from trig.run.display import bar, console, table
from trig.run.pool import spread
from trig.tables.prompts import PROMPTS, scoped, split

if TYPE_CHECKING:
    from trig.protocols.judge import Judge
    from trig.provenance.checked import Checked, Finding
    from trig.provenance.images import Pictures
    from trig.provenance.places import Places

SERVED = "openai"
"""Backend whose pictures no seed brings again, and which costs money."""


class Only(StrEnum):
    """What may be recomputed alone."""

    SCORES = "scores"
    IMAGES = "images"
    RELATIONS = "relations"


def verify(
    rows: Annotated[int, typer.Option(min=1, help="Rows of each kind that are recomputed, drawn over all models.")] = 20,
    every: Annotated[bool, typer.Option("--all", help="Recompute every row.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    only: Annotated[Only | None, typer.Option(help="Recompute one kind alone.", show_default=False)] = None,
    data: Annotated[Path, typer.Option(help="The folder with the tables of a run.")] = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Recomputes a sample of rows: pictures from seeds, scores from pictures, relations from scores. Exit code 1 where one is not what it claims."""
    from trig.provenance import claims
    from trig.provenance.places import Places

    settings, places = params.load(), Places(data)
    found = [claims.check(settings, places, bar)]
    drawn = None if every else rows
    if only in (None, Only.IMAGES):
        found += _images(settings, places, drawn, seed)
    if only in (None, Only.SCORES):
        found += _scores(settings, places, drawn, seed)
    if only in (None, Only.RELATIONS):
        found.append(_relations(settings, places))
    wrong = sorted({finding for check in found for finding in check.findings})
    if as_json:
        checks = [{"name": one.name, "how": one.how, "rows": one.rows, "of": one.of, "wrong": len(one.findings)} for one in found]
        told = [{"table": one.table, "row": one.row or None, "what": one.what} for one in wrong]
        print(json.dumps({"sound": not wrong, "checks": checks, "findings": told, "notes": _notes(found)}, indent=2, ensure_ascii=False))
    else:
        _show(found, wrong)
    raise typer.Exit(1 if wrong else 0)


def _images(settings: Params, places: "Places", rows: int | None, seed: int) -> Iterator["Checked"]:
    """Digests, keys and paintings of all models of the roster."""
    from trig.backends import executors
    from trig.provenance import images
    from trig.provenance.checked import Checked, sample

    asked = tables.read(places.prompts, PROMPTS)
    hashed = Checked("pictures", "hash of the bytes, key, seed: exact")
    limits = f"up to {images.FINE:g} 255ths on average in float32, {images.COARSE:g} otherwise"
    painted = Checked("pictures, from seeds", f"pixels {limits}")
    drawn = sample(_sizes(settings, places, asked, 1), rows, seed)
    for model in settings.generate.roster:
        if not tables.shards(places.images(model)):
            hashed.notes.append(f"{places.images(model)}: no pictures are here; `dvc pull {places.images(model)}` brings them")
            continue
        try:
            pictures, note = _pictures(settings, model, places, asked)
        except WeightsError as error:
            painted.notes.append(f"{model}: its pictures are not checked: {error}")
            continue
        hashed.notes += note
        images.keys(pictures, hashed)
        images.digests(pictures, drawn[model], hashed, bar)
        if settings.model(model).backend == SERVED:
            painted.notes.append(f"{model}: a served model's pictures do not come again from their seeds, and are not painted")
        else:
            images.repaint(pictures, drawn[model], executors.load(pictures.settings, model, pictures.generator), painted, bar)
    images.sources(places, hashed)
    yield from (hashed, painted)


def _pictures(settings: Params, model: str, places: "Places", asked: pl.DataFrame) -> tuple["Pictures", list[str]]:
    """A model's pictures beside what paints them: where `dtype: auto` was another on the machine that made them, in the numbers of that one."""
    from trig.backends import painters
    from trig.backends.dtype import computed
    from trig.provenance.images import Pictures

    def of(these: Params) -> Pictures:
        return Pictures(model, these, places, asked, painters.load(these, model))

    entry, pictures = settings.model(model), of(settings)
    if not isinstance(entry, DiffusersModel) or entry.dtype != "auto" or pictures.known:
        return pictures, []
    here = computed(entry.dtype)
    for other in {"float32", "bfloat16"} - {here}:
        changed = settings.model_copy(update={"models": {**settings.models, model: entry.model_copy(update={"dtype": other})}})
        if (made := of(changed)).known:
            said = f"its pictures were made in {other}, in which they are checked; `dtype: auto` is {here} here, and would make others"
            return made, [f"{model}: {said}: models.{model}.dtype: {other} in params.yaml keeps them"]
    return pictures, []


def _scores(settings: Params, places: "Places", rows: int | None, seed: int) -> Iterator["Checked"]:
    """Columns and answers of all models of the roster."""
    from trig.backends import judges
    from trig.provenance import scores
    from trig.provenance.checked import Checked, sample
    from trig.vocabulary.dimensions import Dimension

    asked = tables.read(places.prompts, PROMPTS)
    columns = Checked("scores", "question and columns of every row: exact")
    answers = Checked("scores, from pictures", f"probabilities up to {scores.FINE:g} in float32, as canary questions otherwise")
    each = 2 if settings.judge.dimensions == "pair" else len(Dimension)
    drawn = sample(_sizes(settings, places, asked, each), rows, seed)
    judge: Judge | None = None
    for model in settings.generate.roster:
        missing = [place for place in (places.images(model), places.scores(model), places.diagnostics(model)) if not place.exists()]
        if missing:
            columns.notes.append(
                f"{missing[0]}: it is not here, so the scores of {model} are not checked; `dvc pull {missing[0]}` brings it"
            )
            continue
        judge = judge or judges.load(settings)
        claims = scores.Claims(model, settings, places, asked, judge)
        scores.columns(claims, columns)
        columns.rows, columns.of = columns.rows + len(claims.calls), columns.of + len(claims.calls)
        scores.again(claims, drawn[model], answers, bar)
    yield from (columns, answers)


def _sizes(settings: Params, places: "Places", asked: pl.DataFrame, each: int) -> dict[str, int]:
    """Rows of each model that has pictures here, `each` of a picture."""
    here = [model for model in settings.generate.roster if tables.shards(places.images(model))]
    each *= settings.generate.seeds_per_prompt
    return {model: each * split(scoped(asked, settings.scope(model)), "test").height for model in here}


def _relations(settings: Params, places: "Places") -> "Checked":
    """All rows of the relations table."""
    from trig.provenance import relations
    from trig.provenance.checked import Checked

    needed = (places.relations, *(place(model) for model in settings.generate.roster for place in (places.scores, places.diagnostics)))
    if missing := next((place for place in needed if not place.exists()), None):
        note = f"{missing}: it is not here, so relations are not checked; `dvc pull {missing}` brings it"
        return Checked("relations", "from scores", notes=[note])
    return relations.check(settings, places, spread)


def _notes(found: Sequence["Checked"]) -> list[str]:
    return [note for one in found for note in one.notes]


def _show(found: Sequence["Checked"], wrong: Sequence["Finding"]) -> None:
    shown = console()
    rows = [(one.name, f"{one.rows:,}", f"{one.of:,}", f"{len(one.findings):,}", one.how) for one in found]
    shown.print(table(("checked", "rows", "of", "wrong", "how"), rows))
    for note in _notes(found):
        shown.print(f"note: {note}", soft_wrap=True)
    for finding in wrong:
        shown.print(finding.line, soft_wrap=True)
    single, whole = (len({(one.table, one.row) for one in wrong if bool(one.row) is of_row}) for of_row in (True, False))
    shown.print(
        f"{single:,} rows and {whole:,} tables as a whole are not what they claim."
        if wrong
        else "Nothing that was looked at is other than it claims."
    )
