"""Digest: the threshold-independent part of the report, computed once, so that a threshold change re-renders only the page.

Samples and pictures of small runs are embedded in the page; those of large runs are lazily loaded from `files/`.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from itertools import combinations
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter, ValidationError

from trig.errors import TrigError
from trig.report import charts, contacts, fronts, numbers, prompting, proofs, sheets
from trig.report.contacts import Contact
from trig.report.contents import Digest, Gathered
from trig.report.facts import digest as facts
from trig.report.facts.digest import Change, Couple, DigestFacts, Directed, Grid, Level, Mean, Missing, Mode, Specs
from trig.report.facts.rows import as_json, rows
from trig.report.parts import all_parts, contact_place, place

INSIDE = 16 << 20
"""Maximum bytes of embedded samples and pictures; beyond it they go to `files/`."""


def digest(run: Gathered) -> tuple[Digest, Mapping[str, bytes]]:
    """Digest, and the assets for `files/` by name. Deterministic."""
    parts = dict(all_parts(run))
    drawn = {f"sheet-{place(run, one)}": run.pictures[one.key] for one in run.sheets}
    together = contacts.pick(run.sheets)
    sheet_of = {contact_place(run, one): (one, webp) for one, webp in zip(together, contacts.drawn(together, run.pictures), strict=True)}
    drawn |= {f"contact-{name}": webp for name, (_, webp) in sheet_of.items()}
    drawn |= {f"source-{source}": webp for source, webp in run.originals.items()}
    inside = sum(map(len, [*parts.values(), *drawn.values()])) <= INSIDE
    tuned = [rows(Change, numbers.changes(run.scores, one, run.score)) for one in run.background.tunings]
    held = {**parts, **{name: json.dumps(b64encode(webp).decode()) for name, webp in drawn.items()}} if inside else {}
    made = Digest(_facts(run, inside, tuned, sheet_of), held, run.metrics, tuned, run.libraries, run.background.tiny)
    if inside:
        return made, {}
    scripts = {f"{name}.js": _script(name, text) for name, text in parts.items()}
    return made, scripts | {f"{name}.webp": webp for name, webp in drawn.items()}


def _script(name: str, text: str) -> bytes:
    """A part as a script: its JSON, or, where that is shorter, a string that inflates to it."""
    deflated = as_json(b64encode(zlib.compress(text.encode())).decode())
    return f"trigPart({as_json(name)}, {min(safe(text), deflated, key=len)});\n".encode()


def packed(made: Digest) -> bytes:
    """Digest serialised to JSON."""
    return as_json(asdict(made)).encode()


def read(path: Path) -> Digest:
    """Deserialises a `packed` digest. Raises TrigError when the file is none."""
    try:
        return TypeAdapter(Digest).validate_json(path.read_bytes())
    except OSError as error:
        said = str(error)
    except ValidationError as error:
        first = error.errors()[0]
        said = ": ".join([*map(str, first["loc"]), first["msg"]])
    raise TrigError(f"{path}: not a readable digest ({said}); run `dvc repro digest` to write it anew")


def safe(text: str) -> str:
    """Escapes JSON for a script element: it cannot close the element or open a comment (XSS)."""
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _facts(run: Gathered, inside: bool, tuned: Sequence[Sequence[Change]], together: Mapping[str, tuple[Contact, bytes]]) -> DigestFacts:
    """Facts loaded with the page; `tuned` is the mean changes of each fine-tuned model, `together` are the contact sheets."""
    tasks: list[str | None] = [None, *run.tasks] if len(run.tasks) > 1 else [None]
    of = [(task, run.answers if task is None else run.answers.filter(pl.col("task") == task)) for task in tasks]
    modes = run.answers.drop_nulls("mode").group_by("judge", "engine", "mode").len("n").sort("judge", "engine", "mode")
    return {
        "inside": inside,
        "models": run.models,
        "samples": run.points.height,
        "seeds": run.seeds,
        "means": [row for task, own in of for row in rows(Mean, numbers.means(own, run.score).with_columns(task=pl.lit(task)))],
        "levels": [row for task, own in of for row in rows(Level, numbers.levels(own, run.score).with_columns(task=pl.lit(task)))],
        "figures": run.figures,
        "changes": _changes(run, tuned),
        "tunings": run.background.tunings,
        "sheets": {place(run, one): _laid(run, one) for one in run.sheets},
        "contacts": {
            name: {**_grid(one, webp), "names": [name for _, name in one.cells], "pairs": [sheet.pair for sheet, _ in one.cells]}
            for name, (one, webp) in together.items()
        },
        "diagnoses": rows(facts.Diagnosis, numbers.diagnoses(run.answers)),
        "modes": rows(Mode, modes),
        "histograms": {"confidence": numbers.histogram(run.answers, "confidence"), "off_mass": numbers.histogram(run.answers, "off_mass")},
        "nulls": rows(Missing, numbers.nulls(run.answers, run.score)),
        "yardstick": run.background.yardstick,
        "rubrics": run.background.rubrics,
        "fronts": fronts.facts(run),
        "promptings": prompting.facts(run),
        "proofs": proofs.facts(run, tuned),
        "versions": run.background.versions,
        "settings": run.background.settings,
        "specs": _specs(run.models, tuple(curve.name for curve in run.background.curves)),
    }


@cache
def _specs(models: tuple[str, ...], curves: tuple[str, ...]) -> Specs:
    high = charts.intervals_height(models)
    least = f"datum.value <= {numbers.LEAST_MASS} ? '≤ ' + datum.label : datum.label"
    return {
        "matrix": charts.spec(charts.matrix()),
        "graph": charts.spec(charts.graph()),
        "scatter": charts.spec(charts.scatter()),
        "means": charts.spec(charts.intervals(models, "mean score, 0 to 1").properties(height=high)),
        "change": charts.spec(charts.change()),
        "confidence": charts.spec(charts.histogram("confidence C", (0, 1))),
        "off_mass": charts.spec(charts.histogram("off-grade mass, powers of ten", (numbers.LEAST_MASS, 0), least)),
        "plane": charts.spec(fronts.plane(curves)),
    }


def _laid(run: Gathered, sheet: sheets.Sheet) -> facts.Sheet:
    return {**_grid(sheet, run.pictures[sheet.key]), "names": sheet.names}


def _grid(sheet: sheets.Sheet | Contact, webp: bytes) -> Grid:
    width, height = sheets.size(webp)
    return {"columns": sheet.columns, "rows": sheet.rows, "width": width // sheet.columns, "height": height // sheet.rows}


def _changes(run: Gathered, tuned: Sequence[Sequence[Change]]) -> list[Couple]:
    """Mean differences of all model pairs, in roster order, a base before its fine-tuned model."""
    trained = {(one.base, one.tuned): [row for row in own if row["pair"]] for one, own in zip(run.background.tunings, tuned, strict=True)}
    order = [(b, a) if (b, a) in trained else (a, b) for a, b in combinations(run.models, 2)]
    found = numbers.couples(run.scores, run.score, order)
    return [{"a": a, "b": b, "rows": list(map(_directed, [*trained.get((a, b), ()), *found[a, b]]))} for a, b in order]


def _directed(change: Change) -> Directed:
    low, high = change["low"], change["high"]
    if low is None or high is None or low <= 0 <= high:
        return {**change, "kind": "unclear"}
    return {**change, "kind": "rise" if low > 0 else "fall"}
