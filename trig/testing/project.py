"""Fresh copy of the project in which the pipeline runs, once for all rows that need it."""

import json
import re
import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from trig.testing.programs import ROOT, Ran, run

RESULTS = ("dvc.lock", "reports")
"""Results that may be in git; a copy starts without them."""
WEIGHTS = Path("data/tiny")
DVC = (sys.executable, "-m", "dvc")


class Project:
    """Copy without results and with an empty work store; or an existing folder where the pipeline has run."""

    def __init__(self, finished: Path | None = None) -> None:
        self.finished = finished

    @cached_property
    def folder(self) -> Path:
        """Its path."""
        return self.finished or fresh()

    @cached_property
    def first(self) -> Ran:
        """First run of the whole pipeline, committed to git."""
        ran = run(*DVC, "repro", cwd=self.folder)
        commit(self.folder, "Run the pipeline")
        return ran

    @cached_property
    def done(self) -> Path:
        """Its path, with the pipeline run."""
        if not self.finished:
            _ = self.first
        return self.folder

    @cached_property
    def metrics(self) -> Any:
        """Content of reports/metrics.json."""
        return json.loads((self.done / "reports" / "metrics.json").read_text("utf-8"))

    def dvc(self, *arguments: str) -> tuple[Ran, set[str]]:
        """Runs dvc after the first run; returns the process result and the stages that ran."""
        ran = run(*DVC, *arguments, cwd=self.done)
        return ran, stages(ran)

    def remove(self) -> None:
        """Removes the copy; an existing folder stays."""
        if not self.finished and "folder" in vars(self):
            shutil.rmtree(self.folder)


def stages(ran: Ran) -> set[str]:
    """Stages that a dvc command ran, from its output."""
    return set(re.findall(r"^Running stage '(.+)':", ran.stdout, re.MULTILINE))


def fresh() -> Path:
    """Copy of the project in a temporary folder, committed."""
    place = Path(mkdtemp(prefix="trig-bench-"))
    copy(place)
    commit(place, "Begin")
    return place


def copy(place: Path) -> None:
    """Copies the files in git, as they are now, without results, and the weights into a new git repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and Path(name).parts[0] not in RESULTS:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    shutil.copytree(ROOT / WEIGHTS, place / WEIGHTS, dirs_exist_ok=True)
    subprocess.run(["git", "init", "--quiet"], cwd=place, check=True)


def commit(place: Path, message: str) -> None:
    """Commits everything under a placeholder identity."""
    who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run(["git", "add", "--all"], cwd=place, check=True)
    subprocess.run(["git", *who, "commit", "--quiet", "--message", message], cwd=place, check=True)
