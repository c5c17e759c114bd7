"""`trig models`: the models of params.yaml, the zoo and the judges; `trig models fetch` brings weights ahead of time."""

import json
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from trig import memory, params
from trig.errors import ParamsError
from trig.files import walk
from trig.params import Params
from trig.params.generate import Model
from trig.params.values import HUB, hub
from trig.params.zoo import System, systems
from trig.run.display import console, table

GPU = Path("/dev/nvidiactl")
CHOSEN = "•"
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
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
    room = _room()
    shown = [_entry(name, entry, settings, room[0]) for name, entry in settings.models.items()]
    zoo = [
        _told(name, system, system.dtype, f"{HUB}{system.repository}" if system.repository else "", room[0])
        for name, system in systems().items()
    ]
    if as_json:
        print(json.dumps(_json(settings, shown, zoo), indent=2))
        return
    out = console()
    entries = settings.models.items()
    rows = (
        (CHOSEN * (name in settings.generate.roster), name, entry.backend, _place(entry), *_call(entry), *_found(told))
        for (name, entry), told in zip(entries, shown, strict=True)
    )
    out.print(table(("", "model", "backend", "weights", "steps", "guidance", "pixels", "here", "fits"), rows))
    judges = ((CHOSEN * (name == settings.judge.name), name, entry.backend, entry.needs) for name, entry in settings.judges.items())
    out.print(table(("", "judge", "backend", "weights"), judges))
    out.print(table(("zoo", "tasks", "size", "licence", "gated", "here", "fits", "unavailable"), map(_row, zoo)))
    typer.echo(
        f"here: on this machine. fits: into {room[1]}, whole and in the entry's dtype. An entry of params.yaml extends one of the zoo by its name."
    )


@app.command()
def fetch(names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Models of params.yaml with weights of the hub.")]) -> None:
    """Bring weights of the Hugging Face hub into its cache: safetensors and configurations, no pickle. Afterwards no network is needed."""
    settings = params.load()
    wanted = {name: _pinned(name, settings) for name in names}
    from trig.backends.hub import fetch as bring

    for name, pinned in wanted.items():
        place = bring(*pinned, f"params.yaml: models.{name}.weights")
        typer.echo(f"{name}: {pinned[0]}@{pinned[1]} is in {place}")


def _pinned(name: str, settings: Params) -> tuple[str, str]:
    system = None if name in settings.models else systems().get(name)
    if system:
        remedy = (
            f"it is unavailable: {system.unavailable}"
            if system.unavailable
            else f"describe it under models: in params.yaml, with extends: {name}, weights: hub:{system.repository}@COMMIT and needs: params.yaml"
        )
        raise ParamsError(f"model: {name!r} is of the zoo, and no commit is pinned; {remedy}")
    weights = settings.model(name).weights
    if (pinned := hub(weights)) is None:
        raise ParamsError(f"params.yaml: models.{name}.weights: {weights!r} is a folder, and nothing is to fetch; fetch models of the hub")
    return pinned


def _json(settings: Params, shown: list[Told], zoo: list[Told]) -> dict[str, object]:
    entries = zip(settings.models.items(), shown, strict=True)
    return {
        "models": {
            name: {**entry.model_dump(), "in_roster": name in settings.generate.roster, "here": told.here, "fits": told.fits}
            for (name, entry), told in entries
        },
        "judges": {name: {**entry.model_dump(), "chosen": name == settings.judge.name} for name, entry in settings.judges.items()},
        "zoo": {told.name: {**systems()[told.name].model_dump(), **asdict(told)} for told in zoo},
    }


def _entry(name: str, entry: Model, settings: Params, room: int) -> Told:
    """An entry of params.yaml, with what the zoo tells of the system that it extends in the end."""
    return _told(name, systems().get(_root(name, settings)), entry.dtype, entry.weights, room)


def _root(name: str, settings: Params) -> str:
    """The entry, of params.yaml or of the zoo, that all others on the way extend."""
    while (entry := settings.models.get(name)) and entry.extends and entry.extends != name:
        name = entry.extends
    return name


def _told(name: str, system: System | None, dtype: str, weights: str, room: int) -> Told:
    """Size and licence of weights of one's own are not known; their files tell whether they fit."""
    there, size = _there(weights)
    if system is None:
        return Told(name, (), None, "", False, there, size * WORKING <= room if size else None, None)
    fits = None if system.billions is None or system.unavailable else system.billions * 1e9 * BYTES[dtype] * WORKING <= room
    return Told(name, tuple(system.tasks), system.billions, system.licence, system.gated, there, fits, system.unavailable)


def _there(weights: str) -> tuple[bool | None, int]:
    """Whether weights are on this machine, and their bytes; without a commit, whether the cache has any whole one of the repository."""
    from trig.backends.hub import commits, missing, snapshot

    if weights.startswith(HUB):
        pinned = hub(weights)
        return missing(snapshot(*pinned)) is None if pinned else bool(commits(weights.removeprefix(HUB))), 0
    found = [file for file in walk(Path(weights)) if file.suffix == ".safetensors" and file.exists()] if Path(weights).is_dir() else []
    return bool(found) if weights else None, sum(file.stat().st_size for file in found)


def _room() -> tuple[int, str]:
    """Memory for a model in bytes, and of what: the largest GPU where there is one, else this machine or container."""
    tool = shutil.which("nvidia-smi") if GPU.exists() else None
    if tool:
        query = [tool, "--query-gpu=memory.total,name", "--format=csv,noheader,nounits"]
        try:
            asked = subprocess.run(query, capture_output=True, text=True, check=True, timeout=20).stdout
            found = max((int(size) * 2**20, called.strip()) for size, _, called in (line.partition(",") for line in asked.splitlines()))
        except (OSError, subprocess.SubprocessError, ValueError):
            pass  # a driver that does not answer: as if there were none
        else:
            return found[0], f"the {found[0] / 1e9:.0f} GB of the GPU {found[1]}"
    there = memory.there()
    return there, f"the {there / 1e9:.0f} GB of this machine's memory, as it has no GPU"


def _row(told: Told) -> tuple[str, ...]:
    size = f"{told.billions:g} B" if told.billions else "not told"
    gate = "gated" if told.gated else ""
    return told.name, " ".join(told.tasks), size, told.licence, gate, *_found(told), told.unavailable or ""


def _found(told: Told) -> tuple[str, str]:
    return _said(told.here), _said(told.fits)


def _said(answer: bool | None) -> str:
    return "" if answer is None else "yes" if answer else "no"


def _place(entry: Model) -> str:
    return f"{entry.weights} + {entry.adapter}" if entry.adapter else entry.weights


def _call(entry: Model) -> tuple[str, str, str]:
    return str(entry.steps), f"{entry.guidance_scale:g}", f"{entry.width}×{entry.height}"
