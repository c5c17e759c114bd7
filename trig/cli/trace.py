"""`trig trace`: the whole story of one picture."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trig import params
from trig.errors import ParamsError
from trig.run.display import console, table

if TYPE_CHECKING:
    from rich.console import Console

Told = Mapping[str, Any]
TEXT = ("prompt", "route", "template", "annotator", "caption", "item", "parent", "split", "key")
FILE = ("file", "row", "here", "status", "reason", "seed", "digest", "width", "height", "engine", "prompt_tokens", "tokens_read", "key")
VERDICT = ("relation", "kind", "leaning", "evidence", "stability", "n", "nulls", "rho", "density_synergy", "density_bottleneck")
SCORE = ("dimension", "score_trig", "expected", "confidence", "off_mass", "p", "status", "reason")
ASKED = ("judge", "scorer", "engine", "dtype", "mode", "scale", "reference_image", "rubric", "key")


def trace(
    data_id: Annotated[str, typer.Argument(metavar="DATA_ID", help="A prompt's name, such as TA-C_TA-S_1.")],
    model: Annotated[str | None, typer.Option(help="One model of the roster; all if not given.", show_default=False)] = None,
    number: Annotated[int | None, typer.Option(help="One of the prompt's pictures, from 0; all if not given.", show_default=False)] = None,
    data: Annotated[Path, typer.Option(help="The folder with the tables of a run.")] = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tells the story of a prompt's pictures: sub-prompts, source, seed, weights, judge, grades, relation, gates, and what the tables say made them."""
    from trig.provenance.places import Places
    from trig.provenance.story import stories

    settings = params.load()
    roster = settings.generate.roster
    if model is not None and model not in roster:
        raise ParamsError(f"--model: {model!r} is not in generate.roster; choose one of {', '.join(roster)}")
    told = stories(data_id, settings, Places(data), roster if model is None else [model], number)
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _show(told, console())


def _show(told: Told, shown: "Console") -> None:
    for prompt in told["prompts"]:
        _section(shown, f"{prompt['task']} {prompt['data_id']}, {prompt['pair']}", _text(prompt))
        for picture in prompt["pictures"]:
            _show_picture(picture, shown)
        if not prompt["pictures"]:
            shown.print("A training prompt: its pictures are candidates of fine-tuning, and stand in no table.\n")
    passed = {True: "passed", False: "failed", None: "not run"}
    _section(shown, "gates", [(name, passed[met]) for name, met in told["gates"].items()])
    commit = told["git"]
    changed = ", with uncommitted changes" if commit["changed"] else ""
    _section(shown, "git", [("commit", f"{commit['commit']}{changed}"), ("results locked by", str(commit["locked"]))])
    for file, note in told["tables"].items():
        _section(shown, file, _note(note))


def _text(prompt: Told) -> Iterator[tuple[str, str]]:
    yield from _rows(prompt, TEXT[:1])
    yield from ((f"sub-prompt {dimension}", text or "none needed") for dimension, text in prompt["sub_prompts"].items())
    yield from _rows(prompt, TEXT[1:])
    if prompt["source"]:
        yield from ((f"source {name}" if name != "source" else name, value) for name, value in _rows(prompt["source"], prompt["source"]))


def _show_picture(picture: Told, shown: "Console") -> None:
    name = f"{picture['model']}, number {picture['number']}"
    told = {name: value for name, value in picture.items() if not (name == "here" and value is True)}
    _section(shown, f"picture of {name}", _rows(told, FILE))
    weights = picture["weights"]
    rest = {name: value for name, value in weights.items() if name != "entry"}
    _section(shown, f"weights of {picture['model']}", [*_rows(rest, rest), *_rows(weights["entry"], weights["entry"])])
    for score in picture["scores"]:
        _section(shown, f"score of {name}", _rows(score, (*SCORE, *ASKED)))
    if not picture["scores"]:
        _section(shown, f"scores of {name}", [("", "not here")])
    if relation := picture["relation"]:
        _section(shown, f"relation {relation['pair']} of {picture['model']}, in which it counted", _rows(relation, VERDICT))


def _note(note: Told | None) -> Iterator[tuple[str, str]]:
    if note is None:
        yield "", "names nothing that made it"
        return
    yield "rows", note["rows"]
    made = note["made"] or {}
    yield from _rows(made, ("stage", "code"))
    for kind, one in (("inputs", "input"), ("parameters", "parameter")):
        yield from ((f"{one} {name}", value) for name, value in made.get(kind, {}).items())


def _rows(told: Told, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Name and value of what is known."""
    for name in names:
        value = told.get(name)
        if value not in (None, {}, ""):
            yield name, _said(value)


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(each)}" for name, each in value.items() if each not in (None, {}))
    return ", ".join(map(_said, value)) if isinstance(value, list) else str(value)


def _section(shown: "Console", title: str, rows: Iterable[tuple[str, str]]) -> None:
    shown.print(title, style="bold")
    shown.print(table(("", ""), [(f"  {name}", value) for name, value in rows]))
    shown.print()
