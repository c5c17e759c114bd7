"""Draw the report: one offline page, the metrics, and two pictures.

python -m stages.report PROMPTS IMAGES SCORES RELATIONS GATES LORA REPORTS
"""

from pathlib import Path

from stages._cli import run
from trig import params, tables
from trig.classify import inputs
from trig.classify import map as dtm
from trig.classify.relations import located
from trig.report import pictures, sources
from trig.report.contents import Contents


def main(prompts: Path, images: Path, scores: Path, relations: Path, gates: Path, lora: Path, reports: Path) -> None:
    """Read the tables, the gates' results and the adapters of tuned models; write index.html, metrics.json, map.png and dimensions.png."""
    from trig.report.publish import publish  # altair takes a second to import, and `--help` must not wait for it

    settings = params.load()
    roster = tuple(settings.generate.roster)
    asked, found = tables.read(prompts, tables.PROMPTS), tables.read(relations, tables.RELATIONS)
    judged = inputs.roster_scores(scores, roster, asked)
    inputs.check_current(found, judged, settings.thresholds, relations)
    points = located(judged, settings.thresholds)
    maps = {key: dtm.lines(found, *key) for key in found.select("model", "task").unique().iter_rows()}
    shown = pictures.load(images, roster, pictures.pick(points, settings.report.pictures_per_pair))
    contents = Contents(
        *(roster, asked, judged, points, found, maps, shown, settings.thresholds.model_dump(), sources.tiny(settings)),
        tunings=tuple(sources.tuning(lora / model) for model in roster if (lora / model).is_dir()),
        gates=sources.gates(gates, roster),
        versions=sources.versions(judged),
    )
    publish(contents, dtm.metrics(found, judged, asked), reports)


if __name__ == "__main__":
    run(main)
