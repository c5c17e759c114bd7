"""Data-quality gate of a model's scores and their diagnostics: exit code 2 if an expectation fails.

python -m stages.gate_scores PROMPTS SCORES/MODEL.parquet DIAGNOSTICS/MODEL.parquet OUT_JSON OUT_HTML
"""

from pathlib import Path

from trig import params, tables
from trig.gates import gate, scores
from trig.gates.expect import View
from trig.run.display import notes
from trig.run.edge import run
from trig.tables.diagnostics import DIAGNOSTICS
from trig.tables.prompts import PROMPTS, scoped
from trig.tables.scores import SCORES


def main(prompts: Path, file: Path, diagnostics: Path, out_json: Path, out_html: Path) -> None:
    """Check the scores of a model, which is the name of their file; write the verdict as JSON and as a page."""
    settings = params.load()
    seeds, most = settings.generate.seeds_per_prompt, settings.gates.max_null_share

    def views() -> list[View]:
        asked = scoped(tables.read(prompts, PROMPTS), settings.scope(file.stem))
        tabled = (asked, tables.read(file, SCORES), tables.read(diagnostics, DIAGNOSTICS))
        return scores.views(*tabled, file.stem, seeds, most)

    notes("scores", gate("scores", views, out_json, out_html).notes)


if __name__ == "__main__":
    run(main)
