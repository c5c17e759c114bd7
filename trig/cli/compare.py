"""`trig compare`: agreement of two maps, and the changes between them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import polars as pl
import typer

from trig import params, published, tables
from trig.cli import comparison
from trig.cli.comparison import Comparison, Side
from trig.cli.worse import Worse
from trig.errors import ParamsError
from trig.files import replace
from trig.params import Params
from trig.revision import Revision, find
from trig.tables.diagnostics import DIAGNOSTICS, SCORED_BY, diagnosed
from trig.tables.prompts import PROMPTS, split
from trig.tables.relations import RELATIONS
from trig.tables.scores import SCORES, one_scorer

if TYPE_CHECKING:
    from trig.classify.worse import Asked

STDOUT = "-"


class Places(NamedTuple):
    """The tables that are compared."""

    relations: Path
    prompts: Path
    scores: Path  # this and the next: a folder with a file per model
    diagnostics: Path


def compare(  # noqa: PLR0917 - an argument for each option
    a: Annotated[str, typer.Argument(metavar="A", help="A model of the roster, or a published map such as published:flux.")],
    b: Annotated[str | None, typer.Argument(metavar="B", help="The same; A again if not given.", show_default=False)] = None,
    rev: Annotated[str | None, typer.Option(help="Read A at this branch, tag, commit or experiment; B as it is here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    markdown: Annotated[str | None, typer.Option(metavar="FILE", help="Write a comment for a pull request; - prints it.")] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            help="Exit with code 1 when a mean fell from A to B: worse, worse:TA-C, worse:IQ-R_TA-S, or worse:pair (each mean of each pair)."
        ),
    ] = None,
    by: Annotated[float, typer.Option(help="Let smaller drops pass, shown or not.", min=0, max=1)] = 0.0,
    relations: Annotated[Path, typer.Option(help="The relations table.")] = Path("data/relations.parquet"),
    prompts: Annotated[Path, typer.Option(help="The prompts table.")] = Path("data/prompts.parquet"),
    scores: Annotated[Path, typer.Option(help="The folder with a scores table per model.")] = Path("data/scores"),
    diagnostics: Annotated[Path, typer.Option(help="The folder with a diagnostics table per model.")] = Path("data/diagnostics"),
) -> None:
    """Shows how far the maps of two models agree, or of one model at two revisions, and which pairs changed from A to B on the same prompts."""
    from trig.classify.change import changes  # lazy import: scipy slows `trig --help`
    from trig.classify.compare import agreement, by_task, differing
    from trig.classify.worse import Asked

    if as_json and markdown == STDOUT:
        raise ParamsError("--json, --markdown: choose one to print; --markdown FILE goes with --json")
    if b is None and rev is None:
        raise ParamsError("compare: name a second model or a published map, or a revision with --rev")
    if rev is not None and a.startswith(published.PREFIX):
        raise ParamsError(f"--rev: {a} has no revisions; name a model of the roster first")
    asked = None if fail_on is None else Asked.parse(fail_on)
    settings, places = params.load(), Places(relations, prompts, scores, diagnostics)
    one = _read(a, settings, places) if rev is None else _at(find(rev, Path()), a, places)
    other = _read(b or a, settings, places)
    found = Comparison(
        one,
        other,
        agreement(one.relations, other.relations),
        by_task(one.relations, other.relations),
        differing(one.relations, other.relations),
        changes(one.run, other.run, settings.thresholds) if one.run and other.run else None,
        settings.thresholds.fdr,
        tuple(_notes(one, other)),
        None if asked is None else _worse(one, other, asked, by, settings),
    )
    _tell(found, as_json, markdown)
    if found.worse and found.worse.fails:
        raise typer.Exit(1)


def _tell(found: Comparison, as_json: bool, markdown: str | None) -> None:
    if markdown == STDOUT:
        print(comparison.as_markdown(found), end="")
        return
    if markdown is not None:
        replace(Path(markdown), comparison.as_markdown(found).encode())
    (comparison.as_json if as_json else comparison.show)(found)


def _worse(a: Side, b: Side, asked: "Asked", by: float, settings: Params) -> Worse:
    from trig.classify.worse import drops

    if not (a.run and b.run):
        raise ParamsError(
            "--fail-on: a published map has no scores, so no change can be tested; compare two models, or a model with itself at --rev"
        )
    return Worse(asked.name, by, settings.thresholds.fdr, drops(a.run, b.run, asked, by, settings.thresholds))


def _read(name: str, settings: Params, places: Places) -> Side:
    """A published map, or a model of the current roster."""
    from trig.classify.change import Run
    from trig.classify.inputs import roster_diagnosed
    from trig.classify.relations import check_current
    from trig.classify.samples import points

    if name.startswith(published.PREFIX):
        return Side(f"{name}, {published.SOURCE}", name, published.relations_of(name), None, {})
    if name not in settings.generate.roster:
        raise ParamsError(f"compare: {name!r} is not in generate.roster; choose from {', '.join(settings.generate.roster)}")
    asked = tables.read(places.prompts, PROMPTS)
    found = tables.read(places.relations, RELATIONS).filter(pl.col("model") == name)
    run = Run(roster_diagnosed(places.scores, places.diagnostics, [name], asked), asked)
    check_current(found, points(run.scores, settings.thresholds.score), settings.thresholds, places.relations)
    return Side(name, name, found, run, settings.model_dump())


def _at(revision: Revision, name: str, places: Places) -> Side:
    """A model at a git revision."""
    from trig.classify.change import Run
    from trig.classify.compare import MAP, follows

    rev, own = revision.name, f"{name}.parquet"
    asked = revision.table(places.prompts, PROMPTS)
    scores = one_scorer(revision.table(places.scores / own, SCORES), f"{rev}:{places.scores / own}")
    scored = diagnosed(scores, revision.table(places.diagnostics / own, DIAGNOSTICS))
    found = revision.table(places.relations, MAP).filter(pl.col("model") == name)
    scored = scored.join(split(asked, "test"), on=("task", "data_id"), how="semi")
    said = revision.params
    column = "expected" if _thresholds(said).get("score") == "expected" else "score_trig"
    odd = [] if follows(found, scored, column) else [f"At {rev} the map was made from other scores than those of that revision."]
    return Side(f"{name} at {rev} ({revision.commit[:10]})", name, found, Run(scored, asked), said, tuple(odd))


def _notes(a: Side, b: Side) -> Iterator[str]:
    """Warnings of confounders: different seeds, thresholds, judges or rubrics."""
    yield from (*a.notes, *b.notes)
    if a.run is None or b.run is None:
        yield "A published map has other prompts, another judge and thresholds of its own, and no scores: no change can be tested."
        return
    if a.said.get("seed") != b.said.get("seed"):
        yield f"The seeds differ, so pictures of one prompt began with other noise: {a.said.get('seed')} and {b.said.get('seed')}."
    mine, theirs = (_thresholds(side.said) for side in (a, b))
    if moved := [
        f"{name} {mine.get(name, 'absent')} and {theirs.get(name, 'absent')}"
        for name in sorted({*mine, *theirs})
        if mine.get(name) != theirs.get(name)
    ]:
        yield f"The thresholds differ: {'; '.join(moved)}. Each map keeps its own; changes are tested with those of {params.PATH}."
    judges = [_said(run.scores.select(SCORED_BY).to_series()) for run in (a.run, b.run)]
    rubrics = [_said(run.scores["rubric"].drop_nulls()) for run in (a.run, b.run)]
    if judges[0] != judges[1]:
        yield f"The scores come from different judges: {judges[0]} and {judges[1]}."
    if rubrics[0] != rubrics[1]:
        yield "The judge was asked with different rubrics."


def _thresholds(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Thresholds of unvalidated parameters, as of an old revision."""
    found = said.get("thresholds")
    return found if isinstance(found, Mapping) else {}


def _said(values: Iterable[Any]) -> str:
    return ", ".join(sorted(set(map(str, values)))) or "none"
