"""Writes the report's files: the page and what lies beside it, the metrics, the summary, and the stills."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from trig.report import numbers, page, stills, summary
from trig.report.contents import Contents


def publish(contents: Contents, metrics: Mapping[str, object], folder: Path) -> None:
    """Write index.html, metrics.json, summary.md, map.png, dimensions.png, and `files/`: the table of relations, and what the page loads when it is
    looked at.

    The same contents give the same bytes.
    """
    drawn = page.render(contents)
    files = {
        "index.html": drawn.html.encode(),
        "metrics.json": (json.dumps(metrics, indent=2, ensure_ascii=False) + "\n").encode(),
        "summary.md": _summary(contents).encode(),
        "map.png": stills.maps(contents),
        "dimensions.png": stills.dimensions(contents),
    }
    beside = folder / page.FOLDER
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for name, content in drawn.beside.items():
        (beside / name).write_bytes(content)
    contents.relations.write_csv(beside / "relations.csv")
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _summary(contents: Contents) -> str:
    changes = [(one, numbers.changes(contents.scores, one, contents.score)) for one in contents.tunings]
    levels = numbers.levels(contents.answers, contents.score)
    of = contents.models, contents.relations, levels, contents.maps, contents.thresholds
    return summary.summary(*of, tiny=contents.tiny, gates=contents.gates, changes=changes)
