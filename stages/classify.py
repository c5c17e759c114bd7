"""Classify the relation of each pair of dimensions, for every model of the roster.

python -m stages.classify [--code CODE] [--resamples FILE] PROMPTS SCORES DIAGNOSTICS RELATIONS
"""

from pathlib import Path

from trig import params, tables
from trig.classify.inputs import roster_diagnosed
from trig.classify.relations import relations
from trig.classify.resampling import adopt
from trig.classify.samples import diagnosed_columns, roots
from trig.run.edge import run
from trig.run.pool import forked
from trig.store import Store
from trig.tables import made
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS

PARAMETERS = ("generate.roster", "thresholds")


def main(prompts: Path, scores: Path, diagnostics: Path, out: Path, *, code: Path | None = None, resamples: Path | None = None) -> None:
    """Read data/prompts.parquet and the roster's files under data/scores and data/diagnostics, write data/relations.parquet.

    RESAMPLES is a cache that an earlier `digest` left, perhaps on another machine; no row depends on it.
    """
    with forked() as each, Store.open() as store:
        settings = params.load()
        inputs = {"prompts": prompts, **made.of_models(settings.generate.roster, scores=scores, diagnostics=diagnostics)}
        told = made.by("classify", code, inputs, settings.told(*PARAMETERS))
        asked = tables.read(prompts, PROMPTS)
        held_out = roster_diagnosed(scores, diagnostics, settings.generate.roster, asked, diagnosed_columns(settings.thresholds.score))
        if resamples:
            adopt(resamples, store)
        found = relations(held_out, settings.thresholds, roots(asked), each, store)
    tables.write(found, RELATIONS, out, told)


if __name__ == "__main__":
    run(main)
