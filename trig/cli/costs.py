"""Figures of dry runs, as tables and as a run of DVC in their place."""

import subprocess
import sys
from collections.abc import Iterable, Sequence

import typer
from rich.table import Table

from trig.errors import ParamsError
from trig.llm.cost import Plan
from trig.run.display import table


def sheet(first: str, rows: Iterable[Sequence[str]]) -> Table:
    """Figures of plans, a row each; the first column names them."""
    return table((first, "calls", "known", "refused", "to ask", "prompt tokens", "US dollars"), rows, numbers=True)


def line(plan: Plan, usd: float | None, most: str = "") -> list[str]:
    """Cells of a row after its name; `most` stands before upper bounds."""
    dollars = "–" if usd is None else f"{most}{usd:,.4f}"
    asked = (f"{most}{count:,}" for count in (len(plan.asked), plan.tokens))
    return [f"{most}{plan.calls:,}", f"{len(plan.known):,}", f"{len(plan.refused):,}", *asked, dollars]


def repro(stages: Sequence[str], as_json: bool) -> None:
    """Run stages in place of a dry run, and exit as DVC does. Raises ParamsError for --json."""
    if as_json:
        raise ParamsError("--json: only a dry run has figures; add --dry-run")
    ran = subprocess.run([sys.executable, "-m", "dvc", "repro", *stages], check=False)
    raise typer.Exit(ran.returncode)


def chosen(models: Sequence[str] | None, roster: Sequence[str]) -> list[str]:
    """Models of the roster, all of it if none is named. Raises ParamsError for any other."""
    wanted = list(dict.fromkeys(models or roster))
    for name in wanted:
        if name not in roster:
            raise ParamsError(f"model: {name!r} is not in generate.roster; choose of {', '.join(roster)}, or add it there")
    return wanted
