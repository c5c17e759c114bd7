"""`trig store`: how large the work store is, and how to make it smaller."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from trig.store import Store

DAY = 24 * 60 * 60


def store(
    prune: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="Drop the rows that no run has used for so many days; 0 drops all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what the work store holds, per shelf. It is a cache: pruning costs time and never results."""
    with Store.look() if prune is None else Store.open() as opened:
        dropped = None if prune is None else opened.prune(prune * DAY)
        shelves, path = opened.size(), str(opened.path)
    if as_json:
        typer.echo(
            json.dumps({"path": path, "dropped": dropped, "shelves": {name: asdict(shelf) for name, shelf in shelves.items()}}, indent=2)
        )
        return
    if dropped is not None:
        typer.echo(f"dropped {dropped} rows")
    typer.echo(path)
    for name, shelf in shelves.items():
        typer.echo(f"{name:<12} {shelf.rows:>9,} rows {shelf.bytes / 2**20:>10,.1f} MB")
    if not shelves:
        typer.echo("empty")
