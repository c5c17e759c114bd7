"""Draw the report: one offline page, the metrics, and two pictures.

python -m stages.report PROMPTS IMAGES SCORES RELATIONS GATES LORA AGREEMENT REPORTS
"""

from pathlib import Path

from stages._cli import bar, run
from trig import params, published, tables
from trig.classify import compare, inputs
from trig.classify import map as dtm
from trig.classify.samples import points
from trig.store import Store


def main(prompts: Path, images: Path, scores: Path, relations: Path, gates: Path, lora: Path, agreement: Path, reports: Path) -> None:
    """Read the tables, the gates' results, the adapters of tuned models and how the judge was measured; write index.html and what belongs to it."""
    from trig.report import sheets, sources  # altair takes a second to import, and `--help` must not wait for it
    from trig.report.contents import Contents, Published
    from trig.report.publish import publish

    settings = params.load()
    roster = tuple(settings.generate.roster)
    asked, found = tables.read(prompts, tables.PROMPTS), tables.read(relations, tables.RELATIONS)
    judged = inputs.roster_scores(scores, roster, asked)
    inputs.check_current(found, judged, settings.thresholds, relations)
    placed = points(judged, settings.thresholds.score)
    shown = sheets.pick(placed, judged, settings.report.pictures_per_pair)
    with Store.open() as store:
        bar("pictures", ((step.done, step.total) for step in sheets.draw(shown, images, store)))
        pictures = sheets.drawn(shown, store)
    contents = Contents(
        *(roster, asked, judged, tables.distinct(judged), placed, found),
        maps=dtm.all_lines(found),
        overall=dtm.overall_lines(found),
        agreements=compare.all_agreements(found, roster),
        sheets=shown,
        pictures=pictures,
        thresholds=settings.thresholds.model_dump(),
        tiny=sources.tiny(settings),
        tunings=tuple(sources.tuning(lora / model) for model in roster if (lora / model).is_dir()),
        gates=sources.gates(gates, roster),
        versions=sources.versions(judged),
        settings=sources.settings(settings) | sources.hashes(asked, judged),
        yardstick=sources.yardstick(agreement, judged),
        published=Published(published.SOURCE, published.means(), published.relations(), dtm.all_lines(published.relations())),
    )
    publish(contents, dtm.metrics(found, judged, asked), reports)


if __name__ == "__main__":
    run(main)
