"""Dependency record of a model or judge of the zoo.

python -m stages.zoo models|judges NAME OUT
"""

import json
from enum import StrEnum
from pathlib import Path

from trig import params
from trig.backends.weights import description, link_notes
from trig.files import replace
from trig.run.display import notes
from trig.run.edge import run


class Section(StrEnum):
    """Section of params.yaml with the entry."""

    MODELS = "models"
    JUDGES = "judges"


def main(section: Section, name: str, out: Path) -> None:
    """Read what the entry's `needs` names, write data/zoo/NAME.json: the hash of what it holds, and how an adapter was trained."""
    settings = params.load()
    field = f"params.yaml: {section}.{name}"
    if section is Section.MODELS:
        model = settings.model(name)
        places, again = [Path(model.needs), Path(model.weights)], f"zoo@{name}"
        found = description(places[0], field, places[1], settings.generate.engine_in_key)
    else:
        places, again = [Path(settings.judge_model(name).needs)], f"zoo-judge@{name}"
        found = description(places[0], field, None, settings.judge.engine_in_key)
    notes(field, link_notes(places, again))
    replace(out, json.dumps(found).encode() + b"\n")


if __name__ == "__main__":
    run(main)
