"""`trig sweep`: entries of a curve, a model with one knob turned, written into params.yaml."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from trig import params
from trig.cli.edits import Edits, check
from trig.errors import ParamsError
from trig.files import replace
from trig.params.models import Model
from trig.params.sweeps import CALL, knobs


def sweep(
    model: Annotated[str, typer.Argument(help="An entry of models.")],
    knob: Annotated[str, typer.Argument(help="A number among its fields, such as guidance_scale, or call.NAME.")],
    values: Annotated[str, typer.Argument(metavar="VALUE,VALUE…", help="Values of the knob.")],
    file: Annotated[Path, typer.Option(help="File to edit.")] = params.PATH,
) -> None:
    """Adds a model of the roster for each value of a knob; `trig front` and the report show the curve that they make.

    Values that the curve has already, among them the model's own, are left out.
    """
    settings = params.load(file)
    base = settings.model(model)
    _turns(file, model, base, knob)
    there = {knobs(base).get(knob)} | {
        knobs(entry)[knob] for entry in settings.models.values() if entry.sweep and (entry.sweep.of, entry.sweep.knob) == (model, knob)
    }
    wanted = _numbers(values)
    added = {named(model, knob, value): value for value in wanted if value not in there}
    roster = [name for name in (model, *added) if name not in settings.generate.roster]
    edits = Edits(file.read_text("utf-8").removeprefix("\ufeff"), str(file))
    edits.below("models", lines=[line for name, value in added.items() for line in entry(name, model, base.needs, knob, value)])
    edits.below("generate", "roster", lines=[f"- {name}" for name in roster])
    check(edits.text, file)
    replace(file, edits.text.encode())
    own = f"; {model} is itself a setting of the curve" if knobs(base).get(knob) in wanted else ""
    typer.echo(f"{file}: {', '.join(added) or 'nothing'} added{own}")


def named(model: str, knob: str, value: float) -> str:
    """Name of a setting: tiny-guidance_scale-1p5. A point is p, a minus m: no other sign may stand in a name."""
    said = str(value).replace(".", "p").replace("-", "m").replace("+", "")
    return f"{model}-{knob.removeprefix(CALL)}-{said}"


def entry(name: str, model: str, needs: str, knob: str, value: float) -> list[str]:
    """Lines of the entry of a setting."""
    turned = f"call: {{{knob.removeprefix(CALL)}: {value}}}" if knob.startswith(CALL) else f"{knob}: {value}"
    return [f"{name}:", f"  extends: {model}", f"  needs: {needs}", f"  sweep: {{of: {model}, knob: {knob}}}", f"  {turned}"]


def _turns(file: Path, model: str, base: Model, knob: str) -> None:
    """Raises ParamsError for a knob that the model does not have."""
    if knob not in knobs(base) and not (knob.startswith(CALL) and knob.removeprefix(CALL).isidentifier() and hasattr(base, "call")):
        further = f", or {CALL}NAME for another argument" if hasattr(base, "call") else ""
        raise ParamsError(f"{file}: models.{model}: {knob!r} is no number of it; choose one of {', '.join(knobs(base)) or 'none'}{further}")


def _numbers(text: str) -> Sequence[float]:
    """Numbers between commas, each once. Whole ones are integers, as 1.0 and 1 are one setting."""
    try:
        found = [float(word) for word in text.split(",") if word.strip()]
    except ValueError:
        found = []
    if not found or not all(map(math.isfinite, found)):
        raise ParamsError(f"{text!r}: these are no numbers; write some with commas between them, such as 1,2,3,5,8")
    return list(dict.fromkeys(int(value) if value.is_integer() else value for value in found))
