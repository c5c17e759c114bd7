"""Digest of the scores for the report, whatever the thresholds: statistics, samples, images.

python -m stages.digest PROMPTS IMAGES SCORES ZOO AGREEMENT DIGEST REPORTS
"""

from pathlib import Path

from trig import params, tables
from trig.classify import inputs
from trig.classify.answered import answered
from trig.classify.samples import points, rooted
from trig.files import replace
from trig.run.display import bar
from trig.run.edge import run
from trig.store import Store
from trig.tables.points import POINTS
from trig.tables.prompts import PROMPTS
from trig.tables.scores import distinct


def main(prompts: Path, images: Path, scores: Path, zoo: Path, agreement: Path, digest: Path, reports: Path) -> None:
    """Read the tables, what data/zoo says of tuned models, and how the judge was measured; write DIGEST, and in REPORTS what lies beside the page."""
    from trig.report import digest as digests  # lazy import: altair slows `--help`
    from trig.report import sheets, sources, stills
    from trig.report.beside import lay
    from trig.report.contents import Judged

    settings = params.load()
    roster = tuple(settings.generate.roster)
    asked = tables.read(prompts, PROMPTS)
    scored = rooted(inputs.roster_scores(scores, roster, asked), asked)
    placed = points(scored, settings.thresholds.score)
    shown = sheets.pick(placed, scored, settings.report.pictures_per_pair)
    with Store.open() as store:
        bar("pictures", ((step.done, step.total) for step in sheets.draw(shown, images, store)))
        pictures = sheets.drawn(shown, store)
    judged = Judged(
        *(roster, asked, scored, distinct(scored), placed, settings.thresholds.score),
        sheets=shown,
        pictures=pictures,
        metrics=answered(scored, asked),
        tiny=sources.tiny(settings),
        tunings=sources.tunings(zoo, roster),
        versions=sources.versions(scored),
        settings=sources.settings(settings) | sources.hashes(asked, scored),
        yardstick=sources.yardstick(agreement, scored),
    )
    made, beside = digests.digest(judged)
    lay(beside, reports)
    replace(reports / "dimensions.png", stills.dimensions(judged))
    tables.write(placed, POINTS, digest / "points.parquet")
    replace(digest / "facts.json", digests.packed(made))


if __name__ == "__main__":
    run(main)
