"""Render the report: one offline page, metrics, summary, and the maps as an image.

python -m stages.report DIGEST RELATIONS GATES REPORTS
"""

from pathlib import Path

from trig import params, tables
from trig.classify.relations import check_current
from trig.run.edge import run
from trig.run.pool import beside
from trig.tables.points import POINTS
from trig.tables.relations import RELATIONS


def main(digest: Path, relations: Path, gates: Path, reports: Path) -> None:
    """Read the digest, the map and the gates' results; write index.html and what belongs to it."""
    from trig.report import assemble, sources, stills  # lazy import: altair slows `--help`
    from trig.report import digest as digests
    from trig.report.publish import publish

    with beside(stills.warm) as worker:
        settings, found = params.load(), tables.read(relations, RELATIONS)
        check_current(found, tables.read(digest / "points.parquet", POINTS), settings.thresholds, relations)
        met = sources.gates(gates, settings.generate.roster)
        contents = assemble.contents(digests.read(digest / "facts.json"), found, settings.thresholds, met)
        publish(contents, stills.drawn(contents, worker), reports)


if __name__ == "__main__":
    run(main)
