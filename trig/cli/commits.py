"""The commit of a repository of the hub, for a file that pins it."""

import os

MARK = "main"
"""Stands where no commit is known: a name that may move, which `params.load` refuses, with the command that finds the commit."""


def commit(repository: str | None, revision: str | None) -> str:
    """Commit of a repository: the one that is pinned, of the newest whole copy in the hub's cache, of the hub, or MARK where neither is known."""
    if revision or not repository:
        return revision or ""
    from trig.backends.hub import commits, snapshot

    if here := commits(repository):
        return max(here, key=lambda each: snapshot(repository, each).stat().st_mtime)
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in {"1", "ON", "YES", "TRUE"}:
        return MARK
    from httpx2 import HTTPError
    from huggingface_hub import HfApi, errors

    try:
        return HfApi().model_info(repository, timeout=20).sha or MARK
    except (errors.HfHubHTTPError, HTTPError, OSError, ValueError):
        return MARK
