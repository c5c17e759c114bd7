"""Writes the report's files: page, metrics, summary, map and table."""

import json
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from trig.files import replace
from trig.report import fronts, page, prompting, proofs, summary
from trig.report.contents import Contents


def publish(contents: Contents, pictures: Mapping[str, Future[bytes]], folder: Path) -> None:
    """Writes index.html, metrics.json, summary.md, relations.csv and the pictures, by their names. Deterministic."""
    files = {
        "index.html": page.render(contents).encode(),
        "metrics.json": (json.dumps(contents.metrics, indent=2, ensure_ascii=False) + "\n").encode(),
        "summary.md": _summary(contents).encode(),
        "relations.csv": contents.relations.write_csv().encode(),
        **{name: picture.result() for name, picture in pictures.items()},
    }
    for name, content in files.items():
        replace(folder / name, content)


def _summary(contents: Contents) -> str:
    facts = contents.digest.facts
    changes = list(zip(facts["tunings"], contents.digest.changes, strict=True))
    of = contents.models, contents.relations, contents.levels, contents.maps, contents.thresholds
    told = summary.summary(
        *of, tiny=contents.digest.tiny, seeds=facts["seeds"], gates=contents.gates, changes=changes, first=proofs.first(facts["proofs"])
    )
    rest = [*fronts.lines(facts["fronts"], contents.thresholds), *prompting.lines(facts["promptings"]), *proofs.lines(facts["proofs"])]
    return told + "".join(f"{line}\n" for line in rest)
