"""Writes the report's files: the page, the metrics, and the stills."""

import json
from collections.abc import Mapping
from pathlib import Path

from trig.report import page, stills
from trig.report.contents import Contents


def publish(contents: Contents, metrics: Mapping[str, object], folder: Path) -> None:
    """Write index.html, metrics.json, map.png and dimensions.png. The same contents give the same bytes."""
    files = {
        "index.html": page.render(contents).encode(),
        "metrics.json": (json.dumps(metrics, indent=2, ensure_ascii=False) + "\n").encode(),
        "map.png": stills.maps(contents),
        "dimensions.png": stills.dimensions(contents),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
