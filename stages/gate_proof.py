"""Gate of a tuned model's lessons and of the eye that reports on it: exit code 2 if an expectation fails.

python -m stages.gate_proof TUNED PROMPTS LESSONS PROOF OUT_JSON OUT_HTML
"""

from pathlib import Path

from trig import params, tables
from trig.gates import gate, proof
from trig.gates.expect import View
from trig.run.display import notes
from trig.run.edge import run
from trig.tables.lessons import LESSONS
from trig.tables.prompts import PROMPTS
from trig.tables.scores import SCORES


def main(tuned: str, prompts: Path, lessons: Path, seen: Path, out_json: Path, out_html: Path) -> None:
    """Check data/lessons/TUNED.parquet and data/proof/TUNED; write the verdict as JSON and as a page."""
    settings = params.load()
    judge = settings.judge.name
    entry = settings.judge_model(judge)

    def views() -> list[View]:
        tabled = (tables.read(lessons, LESSONS), tables.read(prompts, PROMPTS), tables.read(seen / "eye.parquet", SCORES))
        return proof.views(*tabled, judge, [entry.weights, entry.needs], settings.annotate.near_duplicate)

    notes(f"proof {tuned}", gate("proof", views, out_json, out_html).notes)


if __name__ == "__main__":
    run(main)
