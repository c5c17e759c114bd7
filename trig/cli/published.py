"""`trig published`: the paper's numbers, for comparison."""

import json
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from trig import published
from trig.run.display import console, table
from trig.vocabulary.dimensions import Dimension, Task
from trig.vocabulary.relations import Relation


def shown(
    name: Annotated[
        str | None, typer.Argument(metavar="MAP", help="A released map, such as flux, pair by pair.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Shows what the paper published (arXiv 2507.22100): the means of its Table 3 and the two released maps."""
    means = published.means()
    maps = published.relations() if name is None else published.relations_of(published.PREFIX + name.removeprefix(published.PREFIX))
    if as_json:
        print(json.dumps({"relations": maps.to_dicts()} | ({"means": means.to_dicts()} if name is None else {}), indent=2, allow_nan=False))
        return
    out = console()
    out.print(f"{published.SOURCE}: not measured here, and with other prompts and another judge\n")
    if name is None:
        out.print(_means(means))
        for model in published.MAPS:
            _groups(out, model, maps.filter(pl.col("model") == published.PREFIX + model))
    else:
        out.print(_pairs(maps))


def _means(means: pl.DataFrame) -> Table:
    """Table 3: a row per task and model."""
    rows = [
        (str(task), f"{model} with DTM" if dtm else str(model), *(f"{mean:.2f}" for mean in own.sort("dimension")["mean"]))
        for (task, model, dtm), own in means.group_by("task", "model", "dtm", maintain_order=True)
    ]
    return table(("task", "model", *Dimension), rows)


def _groups(out: Console, model: str, rows: pl.DataFrame) -> None:
    from trig.classify.map import lines

    counts = ", ".join(f"{rows.filter(pl.col('relation') == name).height} {name}" for name in Relation if name != Relation.TOO_FEW)
    low, high = rows.select(low=pl.col("rho").min(), high=pl.col("rho").max()).row(0)
    out.print(f"\n{published.MAPS[model]}, {published.PREFIX}{model}: {counts}; rho {low:.2f} to {high:.2f}")
    out.print("\n".join(lines(rows, published.PREFIX + model, Task.T2I)))


def _pairs(rows: pl.DataFrame) -> Table:
    told = [
        (row["pair"], row["relation"], row["leaning"] or "", f"{row['rho']:.4f}", f"{row['mean_x']:.3f}", f"{row['mean_y']:.3f}")
        for row in rows.sort("pair").iter_rows(named=True)
    ]
    return table(("pair", "relation", "leans to", "rho", "mean of the first", "mean of the second"), told)
