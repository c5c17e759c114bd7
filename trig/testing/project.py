"""A fresh copy of the project in which the whole pipeline runs, once for all rows that need it."""

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
"""Results that may be in git; a copy begins without them."""
WEIGHTS = Path("data/tiny")
DVC = (sys.executable, "-m", "dvc")


class Project:
    """A copy without results and with an empty work store; or a folder where the pipeline has run, taken as it is."""

    def __init__(self, finished: Path | None = None) -> None:
        self.finished = finished

    @cached_property
    def folder(self) -> Path:
        """Where it lies."""
        return self.finished or fresh()

    @cached_property
    def first(self) -> Ran:
        """The first run of the whole pipeline, committed as people do."""
        ran = run(*DVC, "repro", cwd=self.folder)
        commit(self.folder, "Run the pipeline")
        return ran

    @cached_property
    def done(self) -> Path:
        """The folder, with the pipeline run."""
        if not self.finished:
            _ = self.first
        return self.folder

    @cached_property
    def metrics(self) -> Any:
        """What reports/metrics.json says."""
        return json.loads((self.done / "reports" / "metrics.json").read_text("utf-8"))

    def dvc(self, *arguments: str) -> tuple[Ran, set[str]]:
        """Run dvc where the pipeline has run; how it ran, and which stages it ran."""
        ran = run(*DVC, *arguments, cwd=self.done)
        return ran, stages(ran)

    def remove(self) -> None:
        """Remove the copy; a folder that was given stays."""
        if not self.finished and "folder" in vars(self):
            shutil.rmtree(self.folder)


def stages(ran: Ran) -> set[str]:
    """The stages that a run of dvc ran."""
    return set(re.findall(r"^Running stage '(.+)':", ran.stdout, re.MULTILINE))


def fresh() -> Path:
    """A copy of the files that git keeps, as they are now, and of the weights."""
    place = Path(mkdtemp(prefix="trig-bench-"))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and Path(name).parts[0] not in RESULTS:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    shutil.copytree(ROOT / WEIGHTS, place / WEIGHTS, dirs_exist_ok=True)
    subprocess.run(["git", "init", "--quiet"], cwd=place, check=True)
    commit(place, "Begin")
    return place


def commit(place: Path, message: str) -> None:
    """Commit everything, under a name of no one's."""
    who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run(["git", "add", "--all"], cwd=place, check=True)
    subprocess.run(["git", *who, "commit", "--quiet", "--message", message], cwd=place, check=True)
