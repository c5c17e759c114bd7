"""Digest of the scores for the report, whatever the thresholds: statistics, samples, images.

python -m stages.digest [--code CODE] PROMPTS SOURCES IMAGES SCORES DIAGNOSTICS FIGURES PROOF ZOO DIGEST REPORTS
"""

from pathlib import Path

from trig import params, tables
from trig.classify import inputs
from trig.classify.resampling import carried
from trig.classify.samples import points, rooted, roots
from trig.run.display import bar
from trig.run.edge import run
from trig.run.pool import forked
from trig.store import Store
from trig.tables import made
from trig.tables.prompts import PROMPTS
from trig.tables.resamples import RESAMPLES
from trig.tables.sources import Library

PARAMETERS = ("generate.roster", "thresholds.score")
"""Of those that the stage reads, what decides the table of points."""


def main(
    prompts: Path,
    sources: Path,
    images: Path,
    scores: Path,
    diagnostics: Path,
    figures: Path,
    proof: Path,
    zoo: Path,
    digest: Path,
    reports: Path,
    *,
    code: Path | None = None,
) -> None:
    """Read the tables, what tuned models show, data/zoo, and `report.agreement` for the judge; write DIGEST, and in REPORTS what lies beside the page."""
    with forked() as each, Store.open() as store:
        from trig.report import gather, libraries, measures, originals, sheets  # lazy import: altair slows `--help`
        from trig.report.sources import background

        settings = params.load()
        roster, score = settings.generate.roster, settings.thresholds.score
        read = {"prompts": prompts, **made.of_models(roster, scores=scores, diagnostics=diagnostics)}
        told = made.by("digest", code, read, settings.told(*PARAMETERS))
        asked = tables.read(prompts, PROMPTS)
        scored = rooted(inputs.roster_diagnosed(scores, diagnostics, roster, asked), asked)
        shown = gather.picked(scored, score, settings.report.pictures_per_pair)
        bar("pictures", ((step.done, step.total) for step in sheets.draw(shown, images, store)))
        pictures = sheets.drawn(shown, store)
        edited = originals.sources(shown, asked)
        bar("sources", ((step.done, step.total) for step in originals.draw(edited, Library(sources), store)))
        before, script = originals.drawn(edited, store), libraries.kept(store)
        kept = carried(points(scored, score), roots(asked), settings.thresholds, each, store)
    behind, pixels = background(settings, asked, scored, zoo, proof, Path(settings.report.agreement)), measures.read(figures, roster, asked)
    gather.write(
        gather.gathered(roster, asked, scored, settings.thresholds, shown, pictures, behind, pixels, before, script), digest, reports, told
    )
    tables.write(kept, RESAMPLES, digest / "resamples.parquet", told)


if __name__ == "__main__":
    run(main)
