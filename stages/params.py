"""Validate params.yaml as a whole before any stage runs, also keys that no stage reads.

python -m stages.params PARAMS OUT MODELS JUDGES
"""

from pathlib import Path

from trig import params
from trig.files import clear, replace
from trig.run import ghosts
from trig.run.display import notes
from trig.run.edge import run
from trig.run.unpulled import unpulled


def main(file: Path, out: Path, models: Path, judges: Path) -> None:
    """Read params.yaml; write a line that is always the same, so that a sound change makes nothing run that does not depend on it.

    Also write data/models/NAME.json and data/judges/NAME.json: each entry with what it extends, so that a change of either reruns what depends on it.
    It is the first stage, so it also removes what models that left wrote, and says what a run would compute anew that could be pulled.
    """
    settings = params.load(file)
    ghosts.remove(file.parent, settings)
    notes("note", (found.told() for found in [unpulled(file.parent, settings)] if found and found.costly))
    for folder, section in ((models, settings.models), (judges, settings.judges)):
        entries = {f"{name}.json": entry.model_dump_json(indent=1).encode() + b"\n" for name, entry in section.items()}
        for name, entry in entries.items():
            replace(folder / name, entry)
        clear(folder, but=entries)
    replace(out, b"no mistake\n")


if __name__ == "__main__":
    run(main)
