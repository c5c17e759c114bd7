"""`trig store`: how large the work store is, and how to make it smaller."""

from typing import Annotated

import typer

from trig.store import Store

DAY = 24 * 60 * 60


def store(
    prune: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="Drop the rows that no run has used for so many days; 0 drops all.")
    ] = None,
) -> None:
    """Show what the work store holds, per shelf. It is a cache: pruning costs time and never results."""
    with Store.open() as opened:
        if prune is not None:
            typer.echo(f"dropped {opened.prune(prune * DAY)} rows")
        shelves = opened.size()
        typer.echo(str(opened.path))
    for name, shelf in shelves.items():
        typer.echo(f"{name:<12} {shelf.rows:>9,} rows {shelf.bytes / 2**20:>10,.1f} MB")
    if not shelves:
        typer.echo("empty")
