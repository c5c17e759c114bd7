"""Data-quality gate of the prompts table: exit code 2 if an expectation fails.

python -m stages.gate_prompts PROMPTS REJECTED FUNNEL OUT_JSON OUT_HTML
"""

from pathlib import Path

from trig import params, tables
from trig.backends.checkpoint import reserved
from trig.backends.weights import checkpoint_of
from trig.gates import expect, gate, prompts
from trig.run.display import notes
from trig.run.edge import run
from trig.tables.funnel import read
from trig.tables.prompts import PROMPTS
from trig.tables.rejected import REJECTED


def main(table: Path, rejected: Path, funnel: Path, out_json: Path, out_html: Path) -> None:
    """Check data/prompts.parquet; write the verdict as JSON and as a page."""
    settings = params.load()
    wanted, judge = settings.annotate, settings.judge_model(settings.judge.name)

    def views() -> list[expect.View]:
        drafts = tables.read(table, PROMPTS), tables.read(rejected, REJECTED.only(()))
        words = reserved(checkpoint_of(judge))
        return prompts.views(*drafts, read(funnel), wanted.sizes(), wanted.max_tokens, wanted.near_duplicate, words)

    notes("prompts", gate("prompts", views, out_json, out_html).notes)


if __name__ == "__main__":
    run(main)
