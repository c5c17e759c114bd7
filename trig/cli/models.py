"""`trig models`: the models of params.yaml, the zoo and the judges; `trig models fetch` brings weights ahead of time."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from trig import memory, params
from trig.errors import ParamsError
from trig.files import walk
from trig.params import Params
from trig.params.judge import JudgeModel
from trig.params.models import Model
from trig.params.models.entry import Entry
from trig.params.models.folder import FolderModel
from trig.params.presets import presets
from trig.params.values import HUB, hub
from trig.params.zoo import System, systems
from trig.run.display import console, table
from trig.run.gpus import cards

CHOSEN = "•"
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "auto": 2}
WORKING = 1.2
"""Memory of a pipeline over that of its weights: activations of one picture, and what the library keeps."""
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(invoke_without_command=True)


@dataclass(frozen=True, slots=True)
class Told:
    """A system of the zoo, or an entry of params.yaml, as the table shows it."""

    name: str
    tasks: tuple[str, ...]
    billions: float | None
    licence: str
    gated: bool
    here: bool | None  # weights are on this machine; None: there are none
    fits: bool | None  # None: the size is not told, or nothing runs it
    unavailable: str | None


@app.callback()
def models(context: typer.Context, as_json: Json = False) -> None:
    """Show the models of params.yaml, those of the roster marked, the judges, and the zoo that an entry of params.yaml can extend."""
    if context.invoked_subcommand:
        return
    settings = params.load()
    most = room()
    shown = told(settings)
    zoo = [
        _told(name, system, system.dtype, f"{HUB}{system.repository}" if system.repository else "", most[0])
        for name, system in systems().items()
    ]
    if as_json:
        print(json.dumps(_json(settings, shown, zoo), indent=2))
        return
    out = console()
    entries = settings.models.items()
    rows = (
        (CHOSEN * (name in settings.generate.roster), name, entry.backend, entry.origin, *_call(entry), *_found(one))
        for (name, entry), one in zip(entries, shown, strict=True)
    )
    out.print(table(("", "model", "backend", "from", "steps", "guidance", "pixels", "here", "fits"), rows))
    judges = (
        (CHOSEN * (name == settings.judge.name), name, entry.backend, entry.weights or entry.needs)
        for name, entry in settings.judges.items()
    )
    out.print(table(("", "judge", "backend", "weights"), judges))
    known = ((name, each.backend, each.repository or each.model, _size(each.billions), each.licence) for name, each in presets().items())
    out.print(table(("judge preset", "backend", "model", "size", "licence"), known))
    out.print(table(("zoo", "backend", "tasks", "size", "licence", "gated", "here", "fits", "unavailable"), map(_row, zoo)))
    typer.echo(
        f"here: on this machine. fits: into {most[1]}, whole and in the entry's dtype. An entry of params.yaml extends one of the zoo, or a judge"
        " preset, by its name. `trig serve --print PRESET` shows the command of its server."
    )


@app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Models and judges of params.yaml with weights of the hub.")],
) -> None:
    """Bring weights of the Hugging Face hub into its cache: safetensors and configurations, no pickle. Afterwards no network is needed."""
    settings = params.load()
    wanted = {name: _pinned(name, settings) for name in names}
    from trig.backends.hub import fetch as bring

    for name, (section, repository, commit) in wanted.items():
        place = bring(repository, commit, f"params.yaml: {section}.{name}.weights")
        typer.echo(f"{name}: {repository}@{commit} is in {place}")


def _pinned(name: str, settings: Params) -> tuple[str, str, str]:
    """Section, repository and commit of a model, or else of a judge."""
    judge = settings.judges.get(name)
    if judge and (found := hub(judge.weights or "")) and not hub(settings.models[name].loads or "" if name in settings.models else ""):
        return "judges", *found
    if name in presets() and name not in settings.models and name not in settings.judges:
        raise ParamsError(
            f"judge: {name!r} is a preset, and no commit is pinned; describe it under judges: in params.yaml, with extends: {name},"
            f" weights: hub:{presets()[name].repository}@COMMIT and needs: params.yaml"
        )
    system = None if name in settings.models else systems().get(name)
    if system and system.unavailable:
        raise ParamsError(f"model: {name!r} is of the zoo, and no commit is pinned; it is unavailable: {system.unavailable}")
    if system and system.repository:
        raise ParamsError(
            f"model: {name!r} is of the zoo, and no commit is pinned; describe it under models: in params.yaml, with extends: {name},"
            f" weights: hub:{system.repository}@COMMIT and needs: params.yaml"
        )
    if system:
        raise ParamsError(
            f"model: {name!r} is of the zoo and behind an API: nothing is to fetch; describe it under models:, with extends: {name}"
        )
    backend: str
    if judge and name not in settings.models:
        section, backend, loads = "judges", judge.backend, judge.loads
    else:
        section, backend, loads = "models", settings.model(name).backend, settings.model(name).loads
    if loads is None:
        raise ParamsError(
            f"params.yaml: {section}.{name}: its backend {backend} loads no weights, and nothing is to fetch; fetch weights of the hub"
        )
    if (pinned := hub(loads)) is None:
        raise ParamsError(
            f"params.yaml: {section}.{name}.weights: {loads!r} is a folder, and nothing is to fetch; fetch weights of the hub"
        )
    return section, *pinned


def _json(settings: Params, shown: list[Told], zoo: list[Told]) -> dict[str, object]:
    entries = zip(settings.models.items(), shown, strict=True)
    return {
        "models": {
            name: {**entry.model_dump(), "in_roster": name in settings.generate.roster, "here": told.here, "fits": told.fits}
            for (name, entry), told in entries
        },
        "judges": {name: {**entry.model_dump(), "chosen": name == settings.judge.name} for name, entry in settings.judges.items()},
        "presets": {name: preset.model_dump() for name, preset in presets().items()},
        "zoo": {told.name: {**systems()[told.name].model_dump(), **asdict(told)} for told in zoo},
    }


def told(settings: Params) -> list[Told]:
    """What is known of each entry of `models`, in their order."""
    most = room()[0]
    return [_entry(name, entry, settings, most) for name, entry in settings.models.items()]


def _entry(name: str, entry: Model, settings: Params, room: int) -> Told:
    """An entry of params.yaml, with what the zoo tells of the system that it extends in the end."""
    told = _told(name, systems().get(root(name, settings.models)), getattr(entry, "dtype", None), entry.loads or "", room)
    return replace(told, here=Path(entry.folder).is_dir()) if isinstance(entry, FolderModel) else told


def root(name: str, entries: Mapping[str, Model] | Mapping[str, JudgeModel]) -> str:
    """The entry, of params.yaml or of what comes with the package, that all others on the way extend."""
    while (entry := entries.get(name)) and entry.extends and entry.extends != name:
        name = entry.extends
    return name


def _told(name: str, system: System | None, dtype: str | None, weights: str, room: int) -> Told:
    """Size and licence of weights of one's own are not known; their files tell whether they fit."""
    there, size = _there(weights)
    if system is None:
        return Told(name, (), None, "", False, there, size * WORKING <= room if size else None, None)
    fits = None if system.billions is None or system.unavailable or not dtype else system.billions * 1e9 * BYTES[dtype] * WORKING <= room
    return Told(name, tuple(system.tasks), system.billions, system.licence, system.gated, there, fits, system.unavailable)


def _there(weights: str) -> tuple[bool | None, int]:
    """Whether weights are on this machine, and their bytes; without a commit, whether the cache has any whole one of the repository."""
    from trig.backends.hub import commits, missing, snapshot

    if weights.startswith(HUB):
        pinned = hub(weights)
        return missing(snapshot(*pinned)) is None if pinned else bool(commits(weights.removeprefix(HUB))), 0
    if not weights:
        return None, 0
    found = [file for file in walk(Path(weights)) if file.suffix == ".safetensors" and file.exists()] if Path(weights).is_dir() else []
    return bool(found), sum(file.stat().st_size for file in found)


def room() -> tuple[int, str]:
    """Memory for a model in bytes, and of what: the largest GPU where there is one, else this machine or container."""
    if found := cards():
        largest = max(found, key=lambda card: card.total)
        return largest.total, f"the {largest.total / 1e9:.0f} GB of the GPU {largest.name}"
    there = memory.there()
    return there, f"the {there / 1e9:.0f} GB of this machine's memory, as it has no GPU"


def _row(told: Told) -> tuple[str, ...]:
    gate = "gated" if told.gated else ""
    what = systems()[told.name].backend, " ".join(told.tasks), _size(told.billions), told.licence, gate
    return told.name, *what, *_found(told), told.unavailable or ""


def _size(billions: float | None) -> str:
    return f"{billions:g} B" if billions else "not told"


def _found(told: Told) -> tuple[str, str]:
    return _said(told.here), _said(told.fits)


def _said(answer: bool | None) -> str:
    return "" if answer is None else "yes" if answer else "no"


def _call(entry: Entry) -> tuple[str, str, str]:
    steps, guidance = getattr(entry, "steps", None), getattr(entry, "guidance_scale", None)
    return "" if steps is None else str(steps), "" if guidance is None else f"{guidance:g}", f"{entry.width}×{entry.height}"
