"""Prompted models in the report: their facts, metrics, and lines of the summary."""

from collections.abc import Sequence
from typing import Any

from trig.prompting.outcome import outcomes, pictures
from trig.report.contents import Gathered
from trig.report.facts.prompting import Changed, Prompted
from trig.report.facts.rows import fitted
from trig.report.markdown import code, table

DECIMALS = 4
"""Decimals of metrics.json."""
HEADS = ("model", "base", "prompting", "pictures", "pairs", "samples", "before", "after", "change", "95 % interval", "")


def facts(run: Gathered) -> list[Prompted]:
    """Facts of the prompted models of a run; none without any."""
    if not run.background.promptings:
        return []
    roots = run.scores.select("task", "data_id", "root").unique()
    found = outcomes(run.background.promptings, run.points, roots)
    return fitted(Prompted, [{**one, "pictures": pictures(one)} for one in found])


def metrics(found: Sequence[Prompted]) -> dict[str, Any]:
    """Per model: what it cost, what flatters it, and the change of each scope. Empty without a prompted model."""
    told = {
        one["model"]: {
            "base": one["base"],
            "by": one["by"],
            "flag": one["flag"],
            "pictures": one["pictures"],
            **{group["scope"].replace(" ", "_"): {"pairs": group["pairs"], **_rounded(group)} for group in one["groups"]},
        }
        for one in found
    }
    return {"promptings": told} if told else {}


def _rounded(group: Changed) -> dict[str, object]:
    numbers = ((name, group[name]) for name in Changed.__annotations__)  # type: ignore[literal-required]
    return {name: round(value, DECIMALS) if isinstance(value, float) else value for name, value in numbers}


def lines(found: Sequence[Prompted]) -> list[str]:
    """A table of Markdown: each model over the pairs that were rewritten. Empty without a prompted model."""
    if not found:
        return []
    rows = [_row(one, group) for one in found for group in one["groups"]]
    return ["", "### Prompting", "", *table(HEADS, rows, names=3)]


def _row(one: Prompted, group: Any) -> list[str]:
    known = [
        code(one["model"]),
        code(one["base"]),
        one["by"],
        f"{one['pictures']:,}",
        f"{group['pairs']}, {group['scope']}",
        f"{group['n']:,}",
    ]
    if group["change"] is None:
        return [*known, "–", "–", "–", "–", one["flag"] or ""]
    ends = "–" if group["low"] is None else f"{group['low']:+.3f} to {group['high']:+.3f}"
    return [*known, f"{group['before']:.3f}", f"{group['after']:.3f}", f"**{group['change']:+.3f}**", ends, one["flag"] or ""]
