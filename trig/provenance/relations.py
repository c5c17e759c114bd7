"""Relations: whether the scores give them again."""

from collections.abc import Callable, Iterable
from typing import Any

from trig import tables
from trig.classify.inputs import roster_diagnosed
from trig.classify.relations import relations
from trig.classify.samples import KEY, diagnosed_columns, roots
from trig.params import Params
from trig.provenance.checked import Checked
from trig.provenance.places import Places
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS

ROUNDING = 1e-9
"""Relative difference of numbers that another processor may add up otherwise."""


def check(settings: Params, places: Places, each: Callable[..., Iterable[Any]]) -> Checked:
    """Classify all pairs anew, without the work store, and compare every column: q-values depend on all rows, so none is left out."""
    found = Checked("relations", f"from scores: exact, numbers up to {ROUNDING:g} of themselves")
    asked = tables.read(places.prompts, PROMPTS)
    data = places.data
    scores = roster_diagnosed(
        data / "scores", data / "diagnostics", settings.generate.roster, asked, diagnosed_columns(settings.thresholds.score)
    )
    fresh = {tuple(row[name] for name in KEY): row for row in relations(scores, settings.thresholds, roots(asked), each).to_dicts()}
    there = {tuple(row[name] for name in KEY): row for row in tables.read(places.relations, RELATIONS).to_dicts()}
    for key in fresh.keys() | there.keys():
        if key not in there or key not in fresh:
            what = "it has no row" if key in fresh else "no scores give it"
            found.wrong(places.relations, " ".join(key), what)
        elif other := [name for name in RELATIONS.columns if not _same(there[key][name], fresh[key][name])]:
            first = other[0]
            more = f", and {len(other) - 1} further columns" if other[1:] else ""
            found.wrong(
                places.relations, " ".join(key), f"{first}: {there[key][first]} stands there, and {fresh[key][first]} follows{more}"
            )
    found.rows = found.of = len(there)
    found.findings.sort()
    return found


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= ROUNDING * max(1.0, abs(one), abs(other))
    return one == other
