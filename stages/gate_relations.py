"""Data-quality gate of the relations table: exit code 2 if an expectation fails.

python -m stages.gate_relations PROMPTS RELATIONS OUT_JSON OUT_HTML
"""

from pathlib import Path

from trig import params, tables
from trig.gates import gate, relations
from trig.gates.expect import View
from trig.run.display import notes
from trig.run.edge import run
from trig.tables.prompts import PROMPTS, scoped
from trig.tables.relations import RELATIONS


def main(prompts: Path, file: Path, out_json: Path, out_html: Path) -> None:
    """Check data/relations.parquet; write the verdict as JSON and as a page."""
    settings = params.load()

    def views() -> list[View]:
        asked = tables.read(prompts, PROMPTS)
        own = {model: scoped(asked, settings.scope(model)) for model in settings.generate.roster}
        return relations.views(own, tables.read(file, RELATIONS), settings.gates.min_relations)

    notes("relations", gate("relations", views, out_json, out_html).notes)


if __name__ == "__main__":
    run(main)
