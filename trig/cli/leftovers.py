"""What a killed DVC, or a full disk, left half written: DVC writes these files in place, and runs nothing until they are gone. Findings of `trig doctor`."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from trig.cli.needs import Row
from trig.notation import read

RWLOCK, LOCK = Path(".dvc/tmp/rwlock"), Path("dvc.lock")
"""Who reads and writes which output, as DVC notes it; and the hashes of all results."""
CUT = "cut off by a kill or a full disk, and DVC runs nothing; where no dvc is at work"


def rows() -> Iterator[Row]:
    """Files that are cut off, each with the one command that mends it."""
    from dvc.rwlock import SCHEMA  # here and below: a lazy import, as DVC slows `trig --help`

    if _cut(RWLOCK, json.loads, SCHEMA):
        yield False, str(RWLOCK), f"{CUT}, `rm {RWLOCK}`: it holds no results"
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA

    if _cut(LOCK, read, COMPILED_LOCKFILE_SCHEMA):
        before = f"`git checkout {LOCK}`: the commit's" if _committed() else f"`rm {LOCK}`: it is made anew"
        yield False, str(LOCK), f"{CUT}, {before}, and what has run since is taken from DVC's run cache and the work store"


def _cut(file: Path, parsed: Callable[[str], Any], schema: Callable[[Any], object]) -> bool:
    """Whether a file that is there is not what DVC reads."""
    from voluptuous import Invalid

    try:
        schema(parsed(file.read_text("utf-8")))
    except OSError:
        return False  # none, or none that DVC could have cut
    except (ValueError, Invalid):
        return True
    return False


def _committed() -> bool:
    asked = subprocess.run(["git", "cat-file", "-e", f"HEAD:./{LOCK}"], capture_output=True, check=False)
    return asked.returncode == 0
