"""Rank the pairs of dimensions that finetune may repair, weakest first.

python -m stages.weakest TUNED SCORES WEAKEST
"""

import json
from pathlib import Path

from trig import params, tables
from trig.files import replace
from trig.finetune.weakest import weakest
from trig.run.edge import run
from trig.tables.prompts import of_tasks
from trig.tables.scores import SCORES, one_scorer


def main(tuned: str, scores: Path, out: Path) -> None:
    """Read the scores of the model that TUNED begins with, write data/weakest/TUNED.json."""
    everything = params.load()
    tuning, settings = everything.tuning(tuned)
    own = of_tasks(one_scorer(tables.read(scores, SCORES), str(scores)), everything.scope(tuned))
    pairs, ranked = weakest(own, settings, str(scores))
    found = {"base": tuning.base, "pairs": [str(pair) for pair in pairs], "ranking": ranked.to_dicts()}
    replace(out, json.dumps(found, indent=2).encode() + b"\n")


if __name__ == "__main__":
    run(main)
