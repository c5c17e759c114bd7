"""Digest: the threshold-independent part of the report, computed once, so that a threshold change re-renders only the page.

Samples and pictures of small runs are embedded in the page; those of large runs are lazily loaded from `files/`.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import vl_convert

from trig.errors import TrigError
from trig.report import charts, numbers, sheets
from trig.report.contents import Digest, Judged
from trig.report.sheets import Sheet

INSIDE = 16 << 20
"""Maximum bytes of embedded samples and pictures; beyond it they go to `files/`."""


def digest(run: Judged) -> tuple[Digest, Mapping[str, bytes]]:
    """Digest, and the assets for `files/` by name. Deterministic."""
    parts = dict(_parts(run))
    drawn = {f"sheet-{_place(run, one)}": run.pictures[one.key] for one in run.sheets}
    inside = sum(map(len, [*parts.values(), *drawn.values()])) <= INSIDE
    tuned = [numbers.changes(run.scores, one, run.score).to_dicts() for one in run.tunings]
    held = {**parts, **{name: json.dumps(b64encode(webp).decode()) for name, webp in drawn.items()}} if inside else {}
    made = Digest(_facts(run, inside, tuned), held, run.metrics, tuned, _libraries())
    if inside:
        return made, {}
    scripts = {f"{name}.js": f"trigPart({as_json(name)}, {safe(text)});\n".encode() for name, text in parts.items()}
    return made, scripts | {f"{name}.webp": webp for name, webp in drawn.items()}


def packed(made: Digest) -> bytes:
    """Digest serialised to JSON."""
    return as_json(asdict(made)).encode()


def read(path: Path) -> Digest:
    """Deserialises a `packed` digest. Raises TrigError when the file is none."""
    try:
        return Digest(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise TrigError(f"{path}: not a readable digest ({error}); run `dvc repro digest` to write it anew") from None


@cache
def _libraries() -> str:
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=charts.VEGA_LITE))


def as_json(value: object) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def safe(text: str) -> str:
    """Escapes JSON for a script element: it cannot close the element or open a comment (XSS)."""
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _place(run: Judged, sheet: Sheet) -> str:
    """Asset name of a model's subset, by index."""
    return f"{run.models.index(sheet.model)}-{sheet.task}-{sheet.pair}"


def _parts(run: Judged) -> Iterator[tuple[str, str]]:
    """Samples as JSON: per task, ids and the prompts of shown pictures; per model and task, scores."""
    samples = run.points.select("task", "pair", "data_id").unique().sort("task", "pair", "data_id")
    rows = [(sheet.task, sheet.pair, name) for sheet in run.sheets for name in sheet.names]
    shown = pl.DataFrame(rows, schema={name: samples.schema[name] for name in ("task", "pair", "data_id")}, orient="row").unique()
    texts = run.prompts.filter(pl.col("split") == "test").select("task", "data_id", "prompt")
    shown = shown.join(texts, on=["task", "data_id"]).sort("task", "pair", "data_id")
    moves = numbers.moves(run.points, run.scores.select("task", "data_id", "root").unique(), run.models)
    for task in run.tasks:
        yield f"moves-{task}", as_json(moves[task])
        own = samples.filter(pl.col("task") == task)
        ids = {str(pair): part["data_id"].to_list() for (pair,), part in own.group_by("pair", maintain_order=True)}
        prompts = dict(shown.filter(pl.col("task") == task).select("data_id", "prompt").iter_rows())
        yield f"samples-{task}", as_json({"ids": ids, "prompts": prompts})
        for number, model in enumerate(run.models):
            scored = run.points.filter(pl.col("model") == model, pl.col("task") == task).select("pair", "data_id", "x", "y")
            yield (
                f"points-{number}-{task}",
                as_json(_coordinates(own.join(scored, on=["pair", "data_id"], how="left", maintain_order="left"))),
            )


def _coordinates(samples: pl.DataFrame) -> str:
    """Scores as packed float64, so the browser classifies exactly what Python did: per pair all x, then all y; NaN where missing.

    Byte-shuffled (all first bytes, then all second bytes …) for better deflate compression, then base64.
    """
    x, y = (samples[side].fill_null(float("nan")).to_numpy().astype("<f8") for side in ("x", "y"))
    sizes = samples.group_by("pair", maintain_order=True).len()["len"].to_numpy()
    ends = np.cumsum(sizes)
    blocks = [side[end - size : end] for end, size in zip(ends, sizes, strict=True) for side in (x, y)]
    doubles = np.concatenate(blocks).view(np.uint8).reshape(-1, 8)
    return b64encode(zlib.compress(doubles.T.tobytes())).decode()


def _facts(run: Judged, inside: bool, tuned: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Facts loaded with the page; `tuned` is the mean changes of each fine-tuned model."""
    tasks: list[str | None] = [None, *run.tasks] if len(run.tasks) > 1 else [None]
    of = {task: run.answers if task is None else run.answers.filter(pl.col("task") == task) for task in tasks}
    return {
        "inside": inside,
        "tiny": run.tiny,
        "models": run.models,
        "samples": run.points.height,
        "means": [{**row, "task": task} for task, answers in of.items() for row in numbers.means(answers, run.score).to_dicts()],
        "levels": [{**row, "task": task} for task, answers in of.items() for row in numbers.levels(answers, run.score).to_dicts()],
        "changes": {f"{a}|{b}": rows for (a, b), rows in _changes(run, tuned).items()},
        "tunings": [asdict(one) for one in run.tunings],
        "sheets": {_place(run, one): _laid(run, one) for one in run.sheets},
        "judged": numbers.judged(run.answers).to_dicts(),
        "modes": run.answers.drop_nulls("mode").group_by("judge", "engine", "mode").len().sort("judge", "engine", "mode").rows(),
        "histograms": {column: numbers.histogram(run.answers, column) for column in ("confidence", "off_mass")},
        "nulls": numbers.nulls(run.answers, run.score),
        "yardstick": asdict(run.yardstick) if run.yardstick else None,
        "versions": run.versions,
        "settings": run.settings,
        "specs": _specs(run.models),
    }


@cache
def _specs(models: tuple[str, ...]) -> dict[str, charts.Spec]:
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
    }


def _laid(run: Judged, sheet: Sheet) -> list[object]:
    """Sheet layout: columns, rows, width and height of a cell in pixels, data_ids."""
    width, height = sheets.size(run.pictures[sheet.key])
    return [sheet.columns, sheet.rows, width // sheet.columns, height // sheet.rows, sheet.names]


def _changes(run: Judged, tuned: Sequence[Sequence[Mapping[str, Any]]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Mean differences of all model pairs, in roster order, a base before its fine-tuned model."""
    trained = {(one.base, one.tuned): [row for row in rows if row["pair"]] for one, rows in zip(run.tunings, tuned, strict=True)}
    order = [(b, a) if (b, a) in trained else (a, b) for a, b in combinations(run.models, 2)]
    found = numbers.couples(run.scores, run.score, order)
    return {couple: _rows([*trained.get(couple, ()), *found[couple]]) for couple in order}


def _rows(changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Adds a label and the direction: rise or fall when the interval excludes 0, else unclear."""
    return [
        {
            "pair": None,
            **row,
            "kind": "unclear" if row["low"] is None or row["low"] <= 0 <= row["high"] else "rise" if row["low"] > 0 else "fall",
            "label": f"★ {row['dimension']} in {row['pair']}" if row.get("pair") else charts.label(row["dimension"]),
        }
        for row in changes
    ]
