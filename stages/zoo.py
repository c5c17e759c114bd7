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
    """Read what the entry loads, write data/zoo/NAME.json: the hash of what it holds, how an adapter was trained, and a model's whole entry."""
    settings = params.load()
    field = f"params.yaml: {section}.{name}"
    if section is Section.MODELS:
        model = settings.model(name)
        loads, again = [model.adapter or model.weights, model.weights], f"zoo@{name}"
        found = description(loads[0], field, loads[1], settings.generate.engine_in_key) | {"entry": model.model_dump()}
    else:
        loads, again = [settings.judge_model(name).needs], f"zoo-judge@{name}"
        found = description(loads[0], field, None, settings.judge.engine_in_key)
    notes(field, link_notes(map(Path, loads), again))
    replace(out, json.dumps(found).encode() + b"\n")


if __name__ == "__main__":
    run(main)
