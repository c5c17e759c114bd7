"""What the notes of the tables say, against what is here."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from trig.errors import TableError
from trig.params import Params
from trig.provenance.checked import Checked
from trig.provenance.places import Places
from trig.tables.made import Made, content, hashes, noted, rows_of

OWN = ("generate",)
"""Stages whose notes name what decides each shard; `images` checks them."""


def check(settings: Params, places: Places, show: Callable[[str, Iterator[tuple[int, int]]], object]) -> Checked:
    """Compare the rows of each table with the hash that it names, and its inputs, parameters and code with those that are here."""
    found = Checked("tables", "hash of the rows, inputs and parameters: exact")
    files, hashed, silent = places.tables(settings), cache(content), list[Path]()
    found.of = len(files)

    def look() -> Iterator[tuple[int, int]]:
        for number, file in enumerate(files, 1):
            _look(file, found, settings, places, hashed, silent)
            yield number, len(files)

    show("tables", look())
    if silent:
        found.notes.append(
            f"{len(silent)} tables name nothing that made them, the first {silent[0]}: an older version or a person wrote them"
        )
    found.notes = list(dict.fromkeys(found.notes))
    return found


def _look(file: Path, found: Checked, settings: Params, places: Places, hashed: Callable[[Path], str], silent: list[Path]) -> None:
    try:
        note = noted(file)
        if note is None:
            silent.append(file)
            return
        found.rows += 1
        if rows_of(file) != note.rows:
            found.wrong(file, "", "its rows are not those that were written: their hash is another")
    except TableError as error:
        found.wrong(file, "", str(error).removeprefix(f"{file}: "))
        return
    if note.made and note.made.stage not in OWN:
        _origin(file, note.made, found, settings, places, hashed)


def _origin(file: Path, made: Made, found: Checked, settings: Params, places: Places, hashed: Callable[[Path], str]) -> None:
    """Inputs and parameters that are others now, and code, which is only noted: it may be other words for the same."""
    for name, claimed in made.inputs.items():
        if name != "pictures" and hashed(place := places.input(name, made.stage, settings)) != claimed:
            gone = "" if place.exists() else ", which is not here"
            if gone:
                found.notes.append(f"{place}: it is not here, and what was made of it is not compared with it")
            else:
                found.wrong(file, "", f"it was made from another {place} than is here; `dvc repro` makes it anew")
    for name, claimed in made.parameters.items():
        try:
            now = hashes(settings.told(name))[name]
        except KeyError:
            now = ""
        if now != claimed:
            found.wrong(file, "", f"it was made with another {name} than params.yaml has; `dvc repro` makes it anew")
    code = places.code(made.stage)
    if made.code and code.is_file() and " ".join(code.read_text("utf-8").split()) != made.code:
        found.notes.append(
            f"the code of {made.stage} is not that which wrote its tables; what is recomputed is so with the code that is here"
        )
