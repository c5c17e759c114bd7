"""Name the weights a model of the zoo waits for.

python -m stages.zoo NEEDS OUT
"""

import json
from pathlib import Path

from stages._cli import run
from trig.backends.weights import folder, revision


def main(needs: Path, out: Path) -> None:
    """Read what `models.<name>.needs` names, write data/zoo/<name>.json: the hash of what it holds."""
    place = needs if needs.is_file() else folder(str(needs), "params.yaml: models.*.needs")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"needs": str(needs), "revision": revision(place)}) + "\n", "utf-8")


if __name__ == "__main__":
    run(main)
