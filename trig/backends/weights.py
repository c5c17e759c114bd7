"""Model weights on disk: existence checks and content hashes."""

import json
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from trig.backends import hub
from trig.backends.engines import JUDGES, PAINTERS, engine
from trig.errors import WeightsError
from trig.files import walk
from trig.params.values import hub as pinned

CARD = "tuning.json"
"""Model card of a fine-tuned adapter: base model, target pairs, training settings."""
_NOT_WEIGHTS = {".md", ".png"}
_PIECE = 2**22
"""Chunk size for hashing, in bytes."""


def folder(path: str, field: str) -> Path:
    """The model's folder. Raises WeightsError when it holds no safetensors."""
    place = Path(path)
    if not place.is_dir() or not any(file.suffix == ".safetensors" for file in walk(place)):
        raise WeightsError(f"{field}: {path}: no safetensors weights here; check the path, or fetch them with `dvc pull`")
    if found := hub.pickled(file.relative_to(place).as_posix() for file in walk(place)):
        raise WeightsError(f"{field}: {path}: {found} is a pickle, which can run any code, and no safetensors stand beside it; convert it")
    return place


def located(weights: str, field: str) -> Path:
    """The folder of a model's weights, a path or `hub:owner/name@commit`. Raises WeightsError where they are not there, or pickled."""
    found = pinned(weights)
    return folder(weights if found is None else str(hub.cached(*found, field)), field)


def identity(weights: str, field: str) -> str:
    """What of weights enters a key: the commit, or the content hash of a folder."""
    found = pinned(weights)
    return found[1] if found else revision(folder(weights, field))


def brief(error: Exception) -> str:
    """First line of an error message; the type if it is empty."""
    return next(iter(str(error).splitlines()), type(error).__name__)


@cache
def revision(place: Path) -> str:
    """Content hash of a file, or of all files in a folder (names and bytes) but .md and .png. Raises WeightsError if one is unreadable."""
    digest = blake2b(digest_size=16)
    for file in [place] if place.is_file() else walk(place):
        if file == place or file.suffix not in _NOT_WEIGHTS:
            try:
                digest.update(f"{file.relative_to(place).as_posix()}\0{file.stat().st_size}\0".encode())
                with file.open("rb") as opened:
                    while piece := opened.read(_PIECE):
                        digest.update(piece)
            except OSError as error:
                raise WeightsError(f"{file}: it cannot be read ({error.strerror}); fetch it, or mend the link") from None
    return digest.hexdigest()


def linked(place: Path) -> list[Path]:
    """Symlinked folders inside a folder: DVC does not see changes behind them."""
    above = (
        {folder for file in walk(place) for folder in file.parents if folder != place and folder.is_relative_to(place)}
        if place.is_dir()
        else ()
    )
    return sorted(each for each in above if each.is_symlink())


def link_notes(places: Iterable[Path], stage: str) -> list[str]:
    """Warnings of symlinked folders, with the stage to rerun after a change."""
    links = sorted({link for place in places for link in linked(place)})
    return [
        f"{link} leads elsewhere, where DVC does not look; after a change there run `dvc repro -f -s {stage}`, then `dvc repro`"
        for link in links
    ]


def description(loads: str, field: str, weights: str | None, engine_in_key: bool) -> dict[str, Any]:
    """Dependency record of a zoo entry: identity of what it loads and of base `weights` (None for a judge), tuning card, and engine if it is in the key."""
    place = Path(loads)
    found: dict[str, Any] = {"needs": loads, "revision": revision(place) if place.is_file() else identity(loads, field)}
    if weights and weights != loads:
        found["weights"] = identity(weights, field)
    if engine_in_key:
        found["engine"] = engine(PAINTERS, adapter=True) if weights else engine(JUDGES)
    if (card := place / CARD).is_file():
        found["tuning"] = _json(card)
    return found


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{file}: cannot be read ({error}); run `dvc repro` to write it anew") from None
