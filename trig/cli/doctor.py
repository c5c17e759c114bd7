"""`trig doctor`: environment check."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from trig import params
from trig.cli import annotate, generate, judge, leftovers, needs, remotes
from trig.cli.models import Json
from trig.cli.needs import Row
from trig.files import walk
from trig.params import Params
from trig.params.models import Model
from trig.params.models.folder import FolderModel
from trig.params.models.openai import ServedModel
from trig.params.values import hub
from trig.run.display import console, table
from trig.run.gpus import GPU
from trig.run.unpulled import unpulled

PROMPTS = Path("data/prompts.parquet")
FROZEN = ".yaml:"
"""In the name of a stage of another pipeline, such as the frozen one of the tiny world."""
LIBRARIES = ("trig", "dvc", "polars", "torch", "torchvision", "diffusers", "transformers", "peft", "great-expectations", "altair")


def doctor(
    gpu: Annotated[bool, typer.Option(help="Ask torch which accelerator it sees; takes seconds.")] = False,
    plan: Annotated[
        bool, typer.Option(help="Ask DVC which stages would run, and count the questions as the dry runs do; takes longer.")
    ] = False,
    remote: Annotated[bool, typer.Option(help="A fault where no remote is configured, from which others could pull.")] = False,
    as_json: Json = False,
) -> None:
    """Say beforehand what will not work: libraries, weights, memory, disk, keys, servers, remote; with the remedy. Exit code 1 when something will not."""
    settings = params.load()
    rows = [
        *_machine(),
        *leftovers.rows(),
        *_libraries(),
        *_weights(settings),
        *needs.rows(settings),
        *remotes.rows(remote),
        *([_accelerator()] if gpu else []),
        *([_stages(), *_unpulled(settings)] if plan else []),
    ]
    notes = list(_notes(settings))
    whole = all(good for good, _, _ in rows)
    if as_json:
        told = [{"what": what, "found": found, "ok": good} for good, what, found in rows]
        print(json.dumps({"ok": whole, "rows": told, "notes": notes}, indent=2))
    else:
        checks = (("ok" if good else "will not work", what, found) for good, what, found in rows)
        console().print(table(("", "what", "found"), checks))
        for note in notes:
            typer.echo(f"note: {note}")
        typer.echo(
            "`make repro` runs what has changed." if plan else "`trig doctor --plan` says which stages would run; `make repro` runs them."
        )
    if not whole:
        raise typer.Exit(1)
    if plan and not as_json:
        _counted(settings)


def _stages() -> Row:
    """Stages whose inputs or outputs are not as in dvc.lock; those behind them may follow."""
    asked = subprocess.run([sys.executable, "-m", "dvc", "status", "--json"], capture_output=True, text=True, check=False)
    if asked.returncode:
        said = next((line for line in asked.stderr.splitlines() if line.startswith("ERROR")), "dvc did not answer")
        return False, "stages", f"{said}; correct what it names, or run from the project's root"
    found = [name for name in json.loads(asked.stdout) if FROZEN not in name]
    return True, "stages", f"{len(found)} have changed, and would run: {', '.join(found)}" if found else "none would run: all is done"


def _unpulled(settings: Params) -> Iterator[Row]:
    """What would be computed anew, and could be pulled."""
    if found := unpulled(Path(), settings):
        yield True, "not here", found.told()


def _counted(settings: Params) -> None:
    """The dry runs of annotate, generate and judge, where they can tell more than the subset sizes do."""
    if settings.annotate.annotator is not None:
        annotate.annotate(dry_run=True)
    if PROMPTS.exists():
        generate.generate(dry_run=True)
        judge.judge(dry_run=True)


def _machine() -> Iterator[Row]:
    yield True, "Python", platform.python_version()
    yield True, "cores", str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    yield True, "memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GB"
    yield True, "NVIDIA driver", "loaded" if GPU.exists() else "none: everything runs on the CPU"
    yield shutil.which("git") is not None, "git", shutil.which("git") or "not on the PATH: install it"


def _libraries() -> Iterator[Row]:
    for name in LIBRARIES:
        try:
            yield True, name, version(name)
        except PackageNotFoundError:
            yield False, name, "not installed: `make .venv/ready`"


def _weights(settings: Params) -> Iterator[Row]:
    """Check the weights of the roster and the judge. Adapters are skipped: a stage may not have written them yet."""
    judge = settings.judges[settings.judge.name].loads
    models = [(name, settings.models[name]) for name in settings.generate.roster]
    for name, model in models:
        yield from _elsewhere(name, model)
    zoo = {model.loads for _, model in models if model.loads} | ({judge} if judge else set())
    single = {model.loads for _, model in models if model.backend == "transformers"} | {judge}
    for place in sorted(zoo):
        if pinned := hub(place):
            yield _hub(*pinned, place in single)
            continue
        if Path(place).is_file():
            yield True, place, "a file that stands for weights which lie elsewhere"
            continue
        files = [file for file in walk(Path(place)) if file.suffix == ".safetensors"] if Path(place).is_dir() else []
        if gone := [file for file in files if not file.exists()]:
            yield False, place, f"{gone[0].relative_to(place)} is a link to nothing: link it to the weights, or `dvc pull`"
            continue
        size = sum(file.stat().st_size for file in files) / 2**20
        yield bool(files), place, f"{size:.1f} MB of weights" if files else "no safetensors here: check params.yaml, or `dvc pull`"


def _elsewhere(name: str, model: Model) -> Iterator[Row]:
    """Check the folder of finished pictures, or the key of an API."""
    if isinstance(model, FolderModel):
        place = Path(model.folder)
        count = len(walk(place)) if place.is_dir() else 0
        yield (
            bool(count),
            model.folder,
            f"{count} files of the model {name}" if count else "no pictures here: check params.yaml, or `dvc pull`",
        )
    elif isinstance(model, ServedModel) and model.key:
        there = bool(os.environ.get(model.key))
        yield there, model.key, f"set, for the model {name}" if there else f"not in the environment: set it to the key of the model {name}"


def _hub(repository: str, commit: str, single: bool) -> Row:
    from trig.backends.hub import missing, snapshot

    lacks = missing(snapshot(repository, commit), single)
    return (
        lacks is None,
        f"{repository}@{commit[:10]}",
        f"{lacks} is not in the cache: `trig models fetch`" if lacks else "in the hub's cache",
    )


def _notes(settings: Params) -> Iterator[str]:
    """Warnings of symlinked weights, whose changes DVC does not see."""
    from trig.backends.weights import link_notes

    entries = {f"zoo@{name}": {entry.needs, *([entry.loads] if entry.loads else [])} for name, entry in settings.models.items()}
    entries |= {f"zoo-judge@{name}": {entry.needs} for name, entry in settings.judges.items()}
    for stage, places in entries.items():
        yield from link_notes(map(Path, places), stage)


def _accelerator() -> Row:
    """torch's compute device, from a subprocess, so that torch is not imported here."""
    code = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU only')"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = (asked.stdout or asked.stderr).strip().splitlines()[-1]
    if GPU.exists() and said == "CPU only":
        return False, "torch computes on", f"{said}, and there is an NVIDIA driver: install a build of torch for its version of CUDA"
    return asked.returncode == 0, "torch computes on", said
