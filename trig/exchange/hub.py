"""Dataset repositories on the Hugging Face hub."""

from pathlib import Path

from trig.errors import FileError, ParamsError

PREFIX = "hub:"
WANTED = ["*.parquet", "*.json", "*.jsonl", "README.md"]


def fetched(name: str) -> Path:
    """Folder with a copy of `hub:owner/name@revision`, named after the commit. Raises ParamsError or FileError."""
    from httpx2 import HTTPError
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    repository, _, revision = name.removeprefix(PREFIX).partition("@")
    if repository.count("/") != 1:
        raise ParamsError(f"{name}: names no repository; write hub:owner/name@revision")
    try:
        return Path(snapshot_download(repository, repo_type="dataset", revision=revision or None, allow_patterns=WANTED))
    except HFValidationError as error:
        raise ParamsError(f"{name}: names no repository ({_line(error)}); write hub:owner/name@revision") from None
    except (HfHubHTTPError, HTTPError, OSError, ValueError) as error:
        raise FileError(f"{name}: it cannot be fetched ({_line(error)}); go online, or name local files") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
