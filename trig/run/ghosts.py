"""Results of models, judges and tunings that left params.yaml: the folders that they share with others are inputs of later stages."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from trig.params import Params
from trig.run.unpulled import current, locked


def remove(root: Path, settings: Params) -> list[str]:
    """Removes what stages of dvc.lock wrote that the parameters no longer have; returns the paths. What DVC's cache lacks stays,
    and so does what an entry of `models` waits for.
    """
    left = [out for name, stage in locked(root).items() if not current(name, settings) for out in stage.get("outs", ())]
    needed = {model.needs for model in settings.models.values()}
    there = [out for out in left if out["path"] not in needed and (root / out["path"]).exists()]
    if not there:
        return []
    from dvc.exceptions import NotDvcRepoError  # lazy import: only where something is to be removed
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            gone = [out["path"] for out in there if Path(repo.cache.local.oid_to_path(out["md5"])).exists()]
    except NotDvcRepoError:
        return []
    for place in _below(root, gone):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
    return gone


def _below(root: Path, paths: list[str]) -> Iterator[Path]:
    return (root / path for path in paths if (root / path).resolve().is_relative_to(root.resolve()))
