"""`trig store`: size and pruning of the work store."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trig.files import walk
from trig.store import Shelf, Store, trainings

DAY = 24 * 60 * 60


def store(
    prune: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="Drop what no run has used for so many days; 0 drops all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what the work store holds, per shelf. It is a cache: pruning costs time and never results."""
    with Store.look() if prune is None else Store.open() as opened:
        dropped = None if prune is None else opened.prune(prune * DAY) + _forget(prune * DAY) + _sweep(opened)
        shelves, path = opened.size(), str(opened.path)
        pictures = _pictures(opened)
    if pictures:
        shelves["pictures"] = Shelf(len(pictures), sum(file.stat().st_size for file in pictures))
    if kept := _checkpoints():
        shelves["checkpoints"] = Shelf(len(kept), sum(file.stat().st_size for file in kept))
    if as_json:
        typer.echo(
            json.dumps({"path": path, "dropped": dropped, "shelves": {name: asdict(shelf) for name, shelf in shelves.items()}}, indent=2)
        )
        return
    if dropped is not None:
        typer.echo(f"dropped {dropped} rows and files")
    typer.echo(path)
    for name, shelf in shelves.items():
        typer.echo(f"{name:<12} {shelf.rows:>9,} rows {shelf.bytes / 2**20:>10,.1f} MB")
    if not shelves:
        typer.echo("empty")


def _pictures(opened: Store) -> list[Path]:
    """Files of pictures: packs, and shards that the outputs of generate are linked to."""
    from trig.generate.kept import folder_of

    folder = folder_of(opened)
    return [file for file in walk(folder) if file.suffix == ".parquet"] if folder.is_dir() else []


def _sweep(opened: Store) -> int:
    """Delete files of pictures that the index no longer names; returns their number."""
    from trig.generate.kept import folder_of, named

    old = [file for file in _pictures(opened) if not named(opened, folder_of(opened), file)]
    for file in old:
        file.unlink()
    return len(old)


def _checkpoints() -> list[Path]:
    """Checkpoint files of unfinished training runs."""
    return walk(trainings()) if trainings().is_dir() else []


def _forget(unused_seconds: float) -> int:
    """Delete checkpoints unused for so many seconds; returns their number."""
    old = [file for file in _checkpoints() if file.stat().st_mtime <= time.time() - unused_seconds]
    for file in old:
        file.unlink()
    return len(old)
