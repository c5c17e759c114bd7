"""Name what a model or a judge of the zoo is made of, and waits for.

python -m stages.zoo models|judges NAME OUT
"""

import json
import sys
from enum import StrEnum
from pathlib import Path

from stages._cli import run
from trig import params
from trig.backends.weights import description, linked
from trig.files import replace


class Section(StrEnum):
    """The part of params.yaml with the entry."""

    MODELS = "models"
    JUDGES = "judges"


def main(section: Section, name: str, out: Path) -> None:
    """Read what the entry's `needs` names, write data/zoo/NAME.json: the hash of what it holds, and how an adapter was trained."""
    settings = params.load()
    of_model = section is Section.MODELS
    entry, keyed = (settings.models[name], settings.generate) if of_model else (settings.judges[name], settings.judge)
    place, field = Path(entry.needs), f"params.yaml: {section}.{name}.needs"
    found = description(place, field, of_model, keyed.engine_in_key)
    for link in linked(place):
        again = f"zoo@{name}" if of_model else f"zoo-judge@{name}"
        print(
            f"{field}: {link} leads elsewhere, where DVC does not look; after a change there run `dvc repro -f -s {again}`", file=sys.stderr
        )
    replace(out, json.dumps(found).encode() + b"\n")


if __name__ == "__main__":
    run(main)
