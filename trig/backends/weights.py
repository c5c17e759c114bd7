"""Model weights on disk: existence checks and content hashes."""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from trig.backends import cards, hub
from trig.backends.engines import JUDGES, PAINTERS, engine
from trig.errors import WeightsError
from trig.files import walk
from trig.keys import content_key
from trig.params.judge import LocalJudge, ServedJudge
from trig.params.models import Model
from trig.params.models.diffusers import DiffusersModel
from trig.params.models.entry import Entry
from trig.params.models.folder import FolderModel
from trig.params.models.transformers import TransformersModel
from trig.params.options import scaled
from trig.params.values import hub as pinned

_NOT_WEIGHTS = {".md", ".png"}
_PIECE = 2**22
"""Chunk size for hashing, in bytes."""


def folder(path: str, field: str) -> Path:
    """The model's folder, or a single file of safetensors. Raises WeightsError when there are none."""
    place = Path(path)
    if place.is_file() and place.suffix in hub.PICKLES:
        raise WeightsError(f"{field}: {path} is a pickle, which can run any code; name a file of safetensors, or convert it")
    if place.is_file() and place.suffix == ".safetensors":
        return place
    if not place.is_dir() or not any(file.suffix == ".safetensors" for file in walk(place)):
        raise WeightsError(f"{field}: {path}: no safetensors weights here; check the path, or fetch them with `dvc pull`")
    if found := hub.pickled(file.relative_to(place).as_posix() for file in walk(place)):
        raise WeightsError(f"{field}: {path}: {found} is a pickle, which can run any code, and no safetensors stand beside it; convert it")
    return place


def located(weights: str, field: str) -> Path:
    """The folder of a model's weights, a path or `hub:owner/name@commit`. Raises WeightsError where they are not there, or pickled."""
    found = pinned(weights)
    return folder(weights if found is None else str(hub.cached(*found, field)), field)


def beside(adapter: str, field: str) -> Path:
    """The folder of what is loaded beside a pipeline: a path, or a commit that lies in the hub's cache. Raises WeightsError."""
    found = pinned(adapter)
    if found is None:
        return folder(adapter, field)
    place = hub.snapshot(*found)
    if not place.is_dir():
        raise WeightsError(f"{field}: {adapter}: not in the cache; run `hf download {found[0]} --revision {found[1]}`")
    return folder(str(place), field)


def configuration(path: str, field: str) -> Path:
    """A folder that says what a pipeline is made of. Raises WeightsError where it has no model_index.json."""
    place = Path(path)
    if not (place / hub.INDEX).is_file():
        raise WeightsError(f"{field}: {path}: no {hub.INDEX} here; name a folder with the configurations and tokenizers of a pipeline")
    return place


def identity(weights: str, field: str) -> str:
    """What of weights enters a key: the commit, or the content hash of a folder."""
    found = pinned(weights)
    return found[1] if found else revision(folder(weights, field))


def judged_by(entry: LocalJudge | ServedJudge) -> str | None:
    """What of a judge's weights enters a key: their commit, or the content hash of what it needs; None for a hosted model."""
    if entry.loads is None:
        return None
    found = pinned(entry.loads)
    return found[1] if found else revision(Path(entry.loads))


def checkpoint_of(entry: LocalJudge | ServedJudge) -> Path:
    """Where the files of a judge lie, there or not: its folder, or the hub's cache."""
    found = pinned(entry.weights or "")
    return hub.snapshot(*found) if found else Path(entry.needs)


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
                for piece in _pieces(file):
                    digest.update(piece)
            except OSError as error:
                raise WeightsError(f"{file}: it cannot be read ({error.strerror}); fetch it, or mend the link") from None
    return digest.hexdigest()


def contents(place: Path) -> str:
    """Content hash of all files in a folder, names and bytes. A file that cannot be read, such as a link to nothing, counts by its name."""
    return content_key(files={file.relative_to(place).as_posix(): digest(file) for file in walk(place)})


def digest(file: Path) -> str | None:
    """Content hash of a file: 32 hex digits (blake2b-128); None if it cannot be read."""
    found = blake2b(digest_size=16)
    try:
        for piece in _pieces(file):
            found.update(piece)
    except OSError:
        return None
    return found.hexdigest()


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece


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


def model_description(model: Model, field: str, engine_in_key: bool) -> dict[str, Any]:
    """Dependency record of a model, and of the prompts that were written for it."""
    found = _description(model, field, engine_in_key)
    if model.prompting is None:
        return found
    place = there(model.prompting, f"{field}.prompting")
    return found | {"prompts": contents(place), "prompting": _json(place / cards.PROMPTING)}


def _description(model: Model, field: str, engine_in_key: bool) -> dict[str, Any]:
    """Of its weights, of the pictures in its folder, or of what else it loads or needs: for a served model the file that stands for it."""
    match model:
        case DiffusersModel():
            return description(scaled(model.adapter)[0] if model.adapter else model.weights, field, model.weights, engine_in_key)
        case TransformersModel():
            return description(model.weights, field, None, engine_in_key)
        case FolderModel():
            return {"needs": model.needs, "revision": contents(there(model.folder, f"{field}.folder"))}
        case _:
            return {"needs": model.needs, "revision": identity(model.loads, field) if model.loads else stands_for(model, field)}


def there(path: str, field: str) -> Path:
    """A folder. Raises WeightsError where it is none."""
    place = Path(path)
    if not place.is_dir():
        raise WeightsError(f"{field}: {path}: there is no such folder; check the path, or fetch it with `dvc pull`")
    return place


def stands_for(model: Entry, field: str) -> str | None:
    """Content hash of what stands for a model on this machine; None where nothing does. Raises WeightsError where it is not there."""
    if model.elsewhere:
        return None
    if not Path(model.needs).exists():
        raise WeightsError(
            f"{field}.needs: {model.needs}: not there, and it stands for the model; check the path, or fetch it with `dvc pull`"
        )
    return revision(Path(model.needs))


def description(loads: str, field: str, weights: str | None, engine_in_key: bool) -> dict[str, Any]:
    """Dependency record of a zoo entry: identity of what it loads and of base `weights` (None for a judge), tuning card, and engine if it is in the key."""
    place = Path(loads)
    found: dict[str, Any] = {"needs": loads, "revision": revision(place) if place.is_file() else identity(loads, field)}
    if weights and weights != loads:
        found["weights"] = identity(weights, field)
    if engine_in_key:
        found["engine"] = engine(PAINTERS, adapter=True) if weights else engine(JUDGES)
    if (card := place / cards.TUNING).is_file():
        found["tuning"] = _json(card)
    return found


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{file}: cannot be read ({error}); run `dvc repro` to write it anew") from None
