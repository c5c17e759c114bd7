"""Name the pairs of dimensions that finetune may repair, the weakest first.

python -m stages.weakest SCORES WEAKEST
"""

import json
from pathlib import Path

from stages._cli import run
from trig import params, tables
from trig.finetune.weakest import weakest


def main(scores: Path, out: Path) -> None:
    """Read the base model's scores, write data/weakest.json."""
    settings = params.load().finetune
    pairs, ranked = weakest(tables.read(scores, tables.SCORES), settings, str(scores))
    found = {"base": settings.base, "pairs": [str(pair) for pair in pairs], "ranking": ranked.to_dicts()}
    out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main)
