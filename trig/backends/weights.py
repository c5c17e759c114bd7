"""Weights on disk: are they there, and which are they?"""

from functools import cache
from hashlib import blake2b
from pathlib import Path

from trig.errors import WeightsError

_NOT_WEIGHTS = {".md", ".png"}


def folder(path: str, field: str) -> Path:
    """The folder of a model. Raises WeightsError when it is not there."""
    place = Path(path)
    if not place.is_dir() or not any(place.rglob("*.safetensors")):
        raise WeightsError(f"{field}: {path}: no safetensors weights here; check the path, or fetch them with `dvc pull`")
    return place


def brief(error: Exception) -> str:
    """An error's first line; its kind where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


@cache
def revision(place: Path) -> str:
    """Hash of the names and bytes of all files in a folder that a model is loaded from, without model cards and pictures; or of one file."""
    digest = blake2b(digest_size=16)
    for file in [place] if place.is_file() else sorted(place.rglob("*")):
        if file.is_file() and (file == place or file.suffix not in _NOT_WEIGHTS):
            digest.update(f"{file.relative_to(place).as_posix()}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
