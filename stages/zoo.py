"""Dependency record of a model or judge of the zoo.

python -m stages.zoo models|judges NAME OUT
"""

import json
from enum import StrEnum
from pathlib import Path

from trig import params
from trig.backends.weights import description, link_notes, model_description
from trig.files import replace
from trig.run.display import notes
from trig.run.edge import run


class Section(StrEnum):
    """Section of params.yaml with the entry."""

    MODELS = "models"
    JUDGES = "judges"


def main(section: Section, name: str, out: Path) -> None:
    """Read what the entry loads, write data/zoo/NAME.json: the hash of what it holds, how an adapter was trained or prompts were written, and the entry."""
    settings = params.load()
    field = f"params.yaml: {section}.{name}"
    if section is Section.MODELS:
        model = settings.model(name)
        loads, again = list(dict.fromkeys(place for place in (model.needs, model.loads) if place)), f"zoo@{name}"
        found = model_description(model, field, settings.generate.engine_in_key) | {"entry": model.told()}
    else:
        judge = settings.judge_model(name)
        loads, again = [judge.loads or judge.needs], f"zoo-judge@{name}"
        known = description(judge.loads, field, None, settings.judge.engine_in_key) if judge.loads else {"needs": judge.needs}
        found = known | {"entry": judge.decides()}
    notes(field, link_notes(map(Path, loads), again))
    replace(out, json.dumps(found).encode() + b"\n")


if __name__ == "__main__":
    run(main)
