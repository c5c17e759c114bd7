"""Digest of the scores for the report, whatever the thresholds: statistics, samples, images.

python -m stages.digest [--code CODE] PROMPTS IMAGES SCORES DIAGNOSTICS FIGURES ZOO AGREEMENT DIGEST REPORTS
"""

from pathlib import Path

from trig import params, tables
from trig.classify import inputs
from trig.classify.samples import rooted
from trig.run.display import bar
from trig.run.edge import run
from trig.store import Store
from trig.tables import made
from trig.tables.prompts import PROMPTS

PARAMETERS = ("generate.roster", "thresholds.score")
"""Of those that the stage reads, what decides the table of points."""


def main(
    prompts: Path,
    images: Path,
    scores: Path,
    diagnostics: Path,
    figures: Path,
    zoo: Path,
    agreement: Path,
    digest: Path,
    reports: Path,
    *,
    code: Path | None = None,
) -> None:
    """Read the tables, what data/zoo says of tuned models, and how the judge was measured; write DIGEST, and in REPORTS what lies beside the page."""
    from trig.report import gather, measures, sheets, sources  # lazy import: altair slows `--help`

    settings = params.load()
    roster, score = settings.generate.roster, settings.thresholds.score
    read = {"prompts": prompts, **made.of_models(roster, scores=scores, diagnostics=diagnostics)}
    told = made.by("digest", code, read, settings.told(*PARAMETERS))
    asked = tables.read(prompts, PROMPTS)
    scored = rooted(inputs.roster_diagnosed(scores, diagnostics, roster, asked), asked)
    shown = gather.picked(scored, score, settings.report.pictures_per_pair)
    with Store.open() as store:
        bar("pictures", ((step.done, step.total) for step in sheets.draw(shown, images, store)))
        pictures = sheets.drawn(shown, store)
    background = sources.background(settings, asked, scored, zoo, agreement)
    pixels = measures.read(figures, roster, asked)
    gather.write(gather.judged(roster, asked, scored, score, shown, pictures, background, pixels), digest, reports, told)


if __name__ == "__main__":
    run(main)
