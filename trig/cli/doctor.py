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
from trig.cli.models import GPU, Json
from trig.files import walk
from trig.params import Params
from trig.params.values import hub
from trig.run.display import console, table

LIBRARIES = ("trig", "dvc", "polars", "torch", "torchvision", "diffusers", "transformers", "peft", "great-expectations", "altair")
Row = tuple[bool, str, str]
"""Check result: ok, name, finding."""


def doctor(
    gpu: Annotated[bool, typer.Option(help="Ask torch which accelerator it sees; takes seconds.")] = False, as_json: Json = False
) -> None:
    """Show the machine, the libraries and the weights, and say what is missing. Exit code 1 when something is."""
    settings = params.load()
    rows = [*_machine(), *_libraries(), *_weights(settings), *([_accelerator()] if gpu else [])]
    notes = list(_notes(settings))
    whole = all(good for good, _, _ in rows)
    if as_json:
        told = [{"what": what, "found": found, "ok": good} for good, what, found in rows]
        print(json.dumps({"ok": whole, "rows": told, "notes": notes}, indent=2))
    else:
        checks = (("ok" if good else "missing", what, found) for good, what, found in rows)
        console().print(table(("", "what", "found"), checks))
        for note in notes:
            typer.echo(f"note: {note}")
        typer.echo("`dvc status` says which stages would run; `make repro` runs them.")
    if not whole:
        raise typer.Exit(1)


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
    zoo = {settings.models[name].weights for name in settings.generate.roster} | {settings.judges[settings.judge.name].needs}
    for place in sorted(zoo):
        if pinned := hub(place):
            yield _hub(*pinned)
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


def _hub(repository: str, commit: str) -> Row:
    from trig.backends.hub import missing, snapshot

    lacks = missing(snapshot(repository, commit))
    return (
        lacks is None,
        f"{repository}@{commit[:10]}",
        f"{lacks} is not in the cache: `trig models fetch`" if lacks else "in the hub's cache",
    )


def _notes(settings: Params) -> Iterator[str]:
    """Warnings of symlinked weights, whose changes DVC does not see."""
    from trig.backends.weights import link_notes

    entries = {f"zoo@{name}": {entry.needs, entry.weights} for name, entry in settings.models.items()}
    entries |= {f"zoo-judge@{name}": {entry.needs} for name, entry in settings.judges.items()}
    for stage, places in entries.items():
        yield from link_notes(map(Path, places), stage)


def _accelerator() -> Row:
    """torch's compute device, from a subprocess, so that torch is not imported here."""
    code = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU only')"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return asked.returncode == 0, "torch computes on", (asked.stdout or asked.stderr).strip().splitlines()[-1]
