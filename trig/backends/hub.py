"""Weights of the Hugging Face hub: where they lie in its local cache, what of a repository is brought, and bringing it."""

import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from trig.errors import WeightsError

INDEX = "model_index.json"
CONFIG = "config.json"
WEIGHTLESS = ("scheduler_config.json", "tokenizer_config.json", "preprocessor_config.json")
"""Configurations of components that are no networks."""
WHOLE = ""
"""Stands for the folder itself, where a repository holds one model of transformers and no pipeline."""
PICKLES = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}
WANTED = {".jinja", ".json", ".model", ".safetensors", ".txt"}
"""Weights, configurations and vocabularies: nothing in them is run."""
GB = 10**9


def snapshot(repository: str, commit: str) -> Path:
    """Folder of a commit in the cache, there or not."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}" / "snapshots" / commit


def commits(repository: str) -> list[str]:
    """Commits of a repository that are whole in the cache."""
    place = snapshot(repository, "-").parent
    return sorted(each.name for each in place.iterdir() if missing(each) is None) if place.is_dir() else []


def cached(repository: str, commit: str, field: str) -> Path:
    """Folder of a commit that is whole in the cache. Raises WeightsError."""
    place = snapshot(repository, commit)
    if lacks := missing(place, single=field.startswith("params.yaml: judges.")):
        name = field.split(".")[2]
        raise WeightsError(
            f"{field}: {repository}@{commit}: {lacks} is not in the cache {place.parents[2]}; run `trig models fetch {name}`"
        )
    return place


def missing(place: Path, single: bool = False) -> str | None:
    """The first file of a pipeline, or of a model of transformers, that its folder lacks; None where it is whole.

    Each network of a pipeline has weights of its own. `single`: it is a model of transformers, where the folder does not say.
    """
    try:
        alone = (place / CONFIG).exists() and not (place / INDEX).exists()
        parts = [WHOLE] if alone else components(json.loads((place / INDEX).read_text("utf-8")))
        for part in parts:
            if not (place / part).is_dir():
                return part
            for index in (place / part).glob("*.safetensors.index.json"):
                shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
                if gone := sorted(name for name in shards if not (place / part / name).exists()):
                    return f"{part}/{gone[0]}".removeprefix("/")
            if part and _network(place / part) and not any((place / part).glob("*.safetensors")):
                return f"{part}/*.safetensors"
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return CONFIG if single else INDEX
    return None if any(any((place / part).glob("*.safetensors")) for part in parts) else "any safetensors"


def _network(part: Path) -> bool:
    """Whether a component has weights, by the names of its configurations."""
    return (part / CONFIG).exists() and not any((part / name).exists() for name in WEIGHTLESS)


def components(index: Mapping[str, Any]) -> list[str]:
    """Folders that a model_index.json names: its entries are [library, class], [null, null] for those that are left out."""
    return sorted(name for name, kind in index.items() if isinstance(kind, list) and kind and kind[0])


def pickled(files: Iterable[str]) -> str | None:
    """The first pickle in a folder without safetensors."""
    paths = [PurePosixPath(file) for file in files]
    safe = {path.parent for path in paths if path.suffix == ".safetensors"}
    return min((str(path) for path in paths if path.suffix in PICKLES and path.parent not in safe), default=None)


def chosen(files: Collection[str], parts: Collection[str]) -> list[str]:
    """Files that a pipeline loads: weights and configurations of its components (`.`: of the repository itself), without variants such as fp16."""
    paths = [PurePosixPath(file) for file in files]
    plain = {path.parent for path in paths if path.suffix == ".safetensors" and not _variant(path)}
    return sorted(
        str(path)
        for path in paths
        if path.suffix in WANTED
        and (path.parts[0] in parts if len(path.parts) > 1 else path.suffix == ".json" or WHOLE in parts)
        and not (path.suffix == ".safetensors" and _variant(path) and path.parent in plain)
    )


def _variant(path: PurePosixPath) -> bool:
    """Whether weights are a variant: `model.fp16.safetensors`, or a shard of one."""
    return path.name.count(".") > 1


def fetch(repository: str, commit: str, field: str) -> Path:
    """Brings what a pipeline, or a model of transformers, loads of a commit into the cache; returns its folder.

    Raises WeightsError: each cause is one line.
    """
    from huggingface_hub import HfApi, constants, hf_hub_download, snapshot_download

    with _told(repository, commit, field):
        told = HfApi().model_info(repository, revision=commit, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in told.siblings or []}
        if INDEX not in sizes and CONFIG not in sizes:
            raise WeightsError(
                f"{field}: {repository}@{commit}: no {INDEX} and no {CONFIG}; name a repository in the format of diffusers or transformers"
            )
        index = Path(hf_hub_download(repository, INDEX, revision=commit)) if INDEX in sizes else None
        parts = components(json.loads(index.read_text("utf-8"))) if index else [WHOLE]
        if found := pickled(file for file in sizes if file.rpartition("/")[0].partition("/")[0] in parts):
            raise WeightsError(
                f"{field}: {repository}@{commit}: {found} is a pickle, which can run any code, and no safetensors stand beside it; name another commit"
            )
        wanted = chosen(sizes, parts)
        room(sum(sizes[file] for file in wanted if not (snapshot(repository, commit) / file).exists()), Path(constants.HF_HUB_CACHE), field)
        return Path(snapshot_download(repository, revision=commit, allow_patterns=wanted))


def room(needed: int, cache: Path, field: str) -> None:
    """Raises WeightsError where the disk of the cache has too little room."""
    there = next(place for place in (cache, *cache.parents) if place.exists())
    if needed > (free := shutil.disk_usage(there).free):
        raise WeightsError(
            f"{field}: {needed / GB:.1f} GB to fetch, and {free / GB:.1f} GB are free at {cache}; make room, or set HF_HOME to a larger disk"
        )


@contextmanager
def _told(repository: str, commit: str, field: str) -> Iterator[None]:
    """Turns what the hub's client raises into one line with the remedy."""
    from httpx2 import HTTPError
    from huggingface_hub import errors, get_token

    where = f"{field}: {repository}@{commit}"
    try:
        yield
    except errors.GatedRepoError:
        remedy = "that account may not read it" if get_token() else "set HF_TOKEN to a token of an account that may"
        raise WeightsError(f"{where}: the repository is gated; accept its terms on its page, and {remedy}") from None
    except errors.RevisionNotFoundError:
        raise WeightsError(f"{where}: the repository has no such commit; copy it from the history of its files") from None
    except errors.RepositoryNotFoundError:
        remedy = "" if get_token() else ", or set HF_TOKEN where it is private"
        raise WeightsError(f"{where}: the hub knows no such repository; check its name{remedy}") from None
    except errors.OfflineModeIsEnabled:
        raise WeightsError(f"{where}: HF_HUB_OFFLINE is set; unset it to fetch") from None
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, HTTPError, OSError, ValueError) as error:
        said = " ".join(str(error).split())[:160]
        raise WeightsError(f"{where}: it cannot be fetched ({said}); go online and try again, what has come is kept") from None
