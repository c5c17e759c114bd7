"""Render the report: one offline page, metrics, summary, and the maps as an image.

python -m stages.report DIGEST RELATIONS GATES REPORTS
"""

from pathlib import Path

from trig import params, published, tables
from trig.classify import compare
from trig.classify import map as dtm
from trig.classify.relations import check_current
from trig.run.edge import run
from trig.tables.points import POINTS
from trig.tables.relations import RELATIONS


def main(digest: Path, relations: Path, gates: Path, reports: Path) -> None:
    """Read the digest, the map and the gates' results; write index.html and what belongs to it."""
    from trig.report import digest as digests  # lazy import: altair slows `--help`
    from trig.report import sources
    from trig.report.contents import Contents, Published
    from trig.report.publish import publish

    settings = params.load()
    found = tables.read(relations, RELATIONS)
    check_current(found, tables.read(digest / "points.parquet", POINTS), settings.thresholds, relations)
    roster = settings.generate.roster
    contents = Contents(
        digests.read(digest / "facts.json"),
        found,
        maps=dtm.all_lines(found),
        overall=dtm.overall_lines(found),
        agreements=compare.all_agreements(found, roster),
        thresholds=settings.thresholds.model_dump(),
        gates=sources.gates(gates, roster),
        published=Published(published.SOURCE, published.means(), published.relations(), dtm.all_lines(published.relations())),
    )
    publish(contents, dtm.metrics(found, contents.digest.metrics), reports)


if __name__ == "__main__":
    run(main)
