"""Gather what the report tells of the scores, whatever the limits of the rule: numbers, samples, pictures.

python -m stages.digest PROMPTS IMAGES SCORES LORA AGREEMENT DIGEST REPORTS
"""

from pathlib import Path

from stages._cli import bar, run
from trig import params, tables
from trig.classify import inputs
from trig.classify import map as dtm
from trig.classify.samples import points, rooted
from trig.store import Store


def main(prompts: Path, images: Path, scores: Path, lora: Path, agreement: Path, digest: Path, reports: Path) -> None:
    """Read the tables, the adapters of tuned models and how the judge was measured; write DIGEST, and in REPORTS what lies beside the page."""
    from trig.report import digest as digests  # altair takes a second to import, and `--help` must not wait for it
    from trig.report import sheets, sources, stills
    from trig.report.contents import Judged
    from trig.report.publish import lay, put

    settings = params.load()
    roster = tuple(settings.generate.roster)
    asked = tables.read(prompts, tables.PROMPTS)
    judged = rooted(inputs.roster_scores(scores, roster, asked), asked)
    placed = points(judged, settings.thresholds.score)
    shown = sheets.pick(placed, judged, settings.report.pictures_per_pair)
    with Store.open() as store:
        bar("pictures", ((step.done, step.total) for step in sheets.draw(shown, images, store)))
        pictures = sheets.drawn(shown, store)
    of = Judged(
        *(roster, asked, judged, tables.distinct(judged), placed, settings.thresholds.score),
        sheets=shown,
        pictures=pictures,
        metrics=dtm.answered(judged, asked),
        tiny=sources.tiny(settings),
        tunings=tuple(sources.tuning(lora / model) for model in roster if (lora / model).is_dir()),
        versions=sources.versions(judged),
        settings=sources.settings(settings) | sources.hashes(asked, judged),
        yardstick=sources.yardstick(agreement, judged),
    )
    made, beside = digests.digest(of)
    lay(beside, reports)
    put(stills.dimensions(of), reports / "dimensions.png")
    tables.write(placed, tables.POINTS, digest / "points.parquet")
    put(digests.packed(made), digest / "facts.json")


if __name__ == "__main__":
    run(main)
