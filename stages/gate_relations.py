"""Data-quality gate of the relations table: exit code 2 if an expectation fails.

python -m stages.gate_relations PROMPTS RELATIONS OUT_JSON OUT_HTML
"""

from pathlib import Path

from trig import params, tables
from trig.gates import gate, relations
from trig.run.display import notes
from trig.run.edge import run
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS


def main(prompts: Path, file: Path, out_json: Path, out_html: Path) -> None:
    """Check data/relations.parquet; write the verdict as JSON and as a page."""
    least = params.load().gates.min_relations
    notes(
        "relations",
        gate(
            "relations", lambda: relations.views(tables.read(prompts, PROMPTS), tables.read(file, RELATIONS), least), out_json, out_html
        ).notes,
    )


if __name__ == "__main__":
    run(main)
