"""Asks a remote of DVC what it holds: `python -m trig.cli.reach NAME`. A process of its own, as nothing else ends a library that waits for a server."""

import sys
from pathlib import PurePosixPath


def main(name: str) -> None:
    """Lists the remote's folder. Raises what its library raises when it cannot, or its bucket is not there; a folder to which nothing was pushed is whole."""
    from dvc.repo import Repo

    with Repo() as repo:
        place = repo.cloud.get_remote_odb(name)
        try:
            place.fs.ls(place.path)
        except FileNotFoundError:
            if place.fs.protocol in ("s3", "gs", "azure"):
                place.fs.ls(PurePosixPath(place.path).parts[0])


if __name__ == "__main__":
    main(sys.argv[1])
