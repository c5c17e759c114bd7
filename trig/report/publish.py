"""Writes the report's files: what lies beside the page, and the page with its metrics, summary, map and table."""

import json
from collections.abc import Mapping
from pathlib import Path

from trig.files import clear, replace
from trig.report import page, stills, summary
from trig.report.contents import Contents

FOLDER = "files"
ABOUT = "A large report keeps its samples and pictures here, beside index.html; those of a small one are inside the page.\n"


def lay(beside: Mapping[str, bytes], folder: Path) -> None:
    """Write `files/`: what the page loads when it is looked at, a line that says so, and nothing else."""
    files = {"about.txt": ABOUT.encode(), **beside}
    for name, content in files.items():
        replace(folder / FOLDER / name, content)
    clear(folder / FOLDER, but=files)


def publish(contents: Contents, metrics: Mapping[str, object], folder: Path) -> None:
    """Write index.html, metrics.json, summary.md, map.png, and relations.csv. The same contents give the same bytes."""
    files = {
        "index.html": page.render(contents).encode(),
        "metrics.json": (json.dumps(metrics, indent=2, ensure_ascii=False) + "\n").encode(),
        "summary.md": _summary(contents).encode(),
        "map.png": stills.maps(contents),
        "relations.csv": contents.relations.write_csv().encode(),
    }
    for name, content in files.items():
        replace(folder / name, content)


def _summary(contents: Contents) -> str:
    changes = list(zip(contents.tunings, contents.digest.changes, strict=True))
    of = contents.models, contents.relations, contents.rows("levels"), contents.maps, contents.thresholds
    return summary.summary(*of, tiny=contents.tiny, gates=contents.gates, changes=changes)
