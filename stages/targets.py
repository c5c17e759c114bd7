"""Choose the pairs of dimensions that a tuned model is to repair.

python -m stages.targets TUNED SCORES TARGETS
"""

import json
from pathlib import Path

from trig import params, tables
from trig.backends.heads.card import provable
from trig.files import replace
from trig.finetune.targets import target
from trig.run.edge import run
from trig.tables.prompts import of_tasks
from trig.tables.scores import SCORES, one_scorer


def main(tuned: str, scores: Path, out: Path) -> None:
    """Read the scores of the model that TUNED begins with, write data/targets/TUNED.json."""
    everything = params.load()
    tuning, settings = everything.tuning(tuned)
    own = of_tasks(one_scorer(tables.read(scores, SCORES), str(scores)), everything.scope(tuned))
    eye = everything.proof.eye.weights if everything.proof else None
    proven = provable(eye, "params.yaml: proof.eye.weights") if eye else frozenset[str]()
    found = target(own, settings, everything.seed, str(scores), proven)
    choices = [[str(pair) for pair in choice] for choice in found.choices]
    told = {
        "base": tuning.base,
        "task": settings.task.value,
        "targets": settings.targets,
        "choices": choices,
        "ranking": found.ranking.to_dicts(),
    }
    replace(out, json.dumps(told, indent=2).encode() + b"\n")


if __name__ == "__main__":
    run(main)
