"""Writes the report's files: what lies beside the page, and the page with its metrics, summary, map and table."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from trig.report import page, stills, summary
from trig.report.contents import Contents

FOLDER = "files"
ABOUT = "A large report keeps its samples and pictures here, beside index.html; those of a small one are inside the page.\n"


def lay(beside: Mapping[str, bytes], folder: Path) -> None:
    """Write `files/`: what the page loads when it is looked at, a line that says so, and nothing else."""
    place = folder / FOLDER
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (place / "about.txt").write_text(ABOUT, "utf-8")
    for name, content in beside.items():
        (place / name).write_bytes(content)


def put(content: bytes, path: Path) -> None:
    """Write a file anew: what lies there may be a link into DVC's cache."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)


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
        put(content, folder / name)


def _summary(contents: Contents) -> str:
    changes = list(zip(contents.tunings, contents.digest.changes, strict=True))
    of = contents.models, contents.relations, contents.rows("levels"), contents.maps, contents.thresholds
    return summary.summary(*of, tiny=contents.tiny, gates=contents.gates, changes=changes)
