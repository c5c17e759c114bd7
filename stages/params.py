"""Validate params.yaml as a whole before any stage runs, also keys that no stage reads, and give each stage what it reads.

python -m stages.params PARAMS READS OUT MODELS JUDGES EYE
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trig import params
from trig.errors import ParamsError
from trig.files import clear, replace
from trig.notation import read
from trig.params.reads import excerpt, keys
from trig.run import ghosts
from trig.run.display import notes
from trig.run.edge import run
from trig.run.parent import running
from trig.run.unpulled import unpulled

OWN = ("tunings", "promptings")
"""Sections of which each entry is a file, as only one stage reads it."""


def main(file: Path, reads: Path, out: Path, models: Path, judges: Path, eye: Path) -> None:
    """Read params.yaml; write data/params/STAGE.json, what each stage reads of it, so that a change makes nothing run that does not read it.

    Also write data/models/NAME.json and data/judges/NAME.json: each entry with what it extends, so that a change of either reruns what depends on it;
    and data/proof/eye.json, the second eye, so that there is a data/proof also where nothing is tuned: a stage waits for it.
    It is the first stage, so it also removes what models that left wrote, and says what a run would compute anew that could be pulled.
    """
    settings = params.load(file)
    _proved(file, settings)
    ghosts.remove(file.parent, settings)
    notes("note", (found.told() for found in [unpulled(file.parent, settings, running())] if found and found.costly))
    for folder, section in ((models, settings.models), (judges, settings.judges)):
        _write(folder, {name: entry.model_dump_json(indent=1).encode() + b"\n" for name, entry in section.items()})
    said: dict[str, Any] = read(file.read_text("utf-8"))
    own = {section: {name: _json(entry) for name, entry in (said.get(section) or {}).items()} for section in OWN}
    _write(out, {stage: _json(excerpt(said, named)) for stage, named in keys(reads).items()}, but=OWN)
    for name, texts in own.items():
        _write(out / name, texts)
    eye.parent.mkdir(parents=True, exist_ok=True)
    replace(eye, _json(excerpt(said, ["proof.eye"])))


def _proved(file: Path, settings: params.Params) -> None:
    """Raises ParamsError for a tuned model that is not painted: DVC would look for its pictures when all else has run."""
    for name in settings.tunings:
        if name not in settings.generate.roster:
            raise ParamsError(
                f"{file}: tunings.{name}: it is not in generate.roster, so nothing tells what tuning changed; add it there, or take it out here"
            )


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


def _write(folder: Path, texts: Mapping[str, bytes], but: tuple[str, ...] = ()) -> None:
    """Makes the folder hold one JSON file each, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{name}.json": text for name, text in texts.items()}
    for name, text in files.items():
        replace(folder / name, text)
    clear(folder, but={*files, *but})


if __name__ == "__main__":
    run(main)
