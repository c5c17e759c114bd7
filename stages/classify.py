"""Classify the relation of each pair of dimensions, for every model of the roster.

python -m stages.classify PROMPTS SCORES DIAGNOSTICS RELATIONS
"""

from pathlib import Path

from trig import params, tables
from trig.classify.inputs import roster_diagnosed
from trig.classify.relations import relations
from trig.classify.samples import judged, roots
from trig.run.edge import run
from trig.run.pool import spread
from trig.store import Store
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS


def main(prompts: Path, scores: Path, diagnostics: Path, out: Path) -> None:
    """Read data/prompts.parquet and the roster's files under data/scores and data/diagnostics, write data/relations.parquet."""
    settings = params.load()
    asked = tables.read(prompts, PROMPTS)
    held_out = roster_diagnosed(scores, diagnostics, settings.generate.roster, asked, judged(settings.thresholds.score))
    with Store.open() as store:
        found = relations(held_out, settings.thresholds, roots(asked), spread, store)
    tables.write(found, RELATIONS, out)


if __name__ == "__main__":
    run(main)
