"""Draw the report: one offline page, the metrics, and two pictures.

python -m stages.report PROMPTS IMAGES SCORES RELATIONS GATES LORA REPORTS
"""

import json
from dataclasses import asdict
from pathlib import Path

from stages._cli import run
from trig import params, tables
from trig.classify import map as dtm
from trig.classify.inputs import check_current, roster_scores
from trig.classify.relations import located
from trig.report import page, pictures, sources, stills
from trig.report.contents import Contents


def main(prompts: Path, images: Path, scores: Path, relations: Path, gates: Path, lora: Path, reports: Path) -> None:
    """Read the tables, the gates' results and the adapters of tuned models; write index.html, metrics.json, map.png and dimensions.png."""
    settings = params.load()
    roster = tuple(settings.generate.roster)
    asked, found = tables.read(prompts, tables.PROMPTS), tables.read(relations, tables.RELATIONS)
    judged = roster_scores(scores, roster, asked)
    check_current(found, judged, settings.thresholds, relations)
    points = located(judged, settings.thresholds)
    shown = pictures.load(images, roster, pictures.pick(points, settings.report.pictures_per_pair))
    maps = {key: asdict(dtm.groups(found, *key)) for key in found.select("model", "task").unique().iter_rows()}
    tunings = tuple(sources.tuning(lora / model) for model in roster if (lora / model).is_dir())
    about = {"tiny": settings.tiny_only, "tunings": tunings, "gates": sources.gates(gates), "versions": sources.versions(judged)}
    contents = Contents(roster, asked, judged, points, found, maps, shown, settings.thresholds.model_dump(), **about)
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "index.html").write_text(page.render(contents), "utf-8")
    (reports / "metrics.json").write_text(json.dumps(dtm.metrics(found, judged, asked), indent=2) + "\n", "utf-8")
    (reports / "map.png").write_bytes(stills.maps(contents))
    (reports / "dimensions.png").write_bytes(stills.dimensions(contents))


if __name__ == "__main__":
    run(main)
