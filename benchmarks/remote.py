"""Bars on sharing a run of the published benchmark's size: pictures to an S3-compatible server and back, and a study from scores alone."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from benchmarks import full
from benchmarks.bar import Bar, at_most, exactly
from trig.testing import remotes
from trig.testing.programs import run
from trig.testing.project import DVC, Project, commit, fresh, stages

STUDY = {"params", "classify", "gate-relations", "report"}
"""Stages that a threshold reaches."""
MODEL = "tiny"


def remote(_: Project) -> Iterator[Bar]:
    """A run of 14 models is published by its author; one clone pulls the pictures of a model, another all but pictures, and studies a threshold."""
    with TemporaryDirectory() as home, published(Path(home)) as (author, size):
        what = f"{size:,} pictures of a model, S3-compatible server on loopback, dvc"
        yield at_most(f"{what} push", run(*DVC, "push", f"generate@{MODEL}", cwd=author).seconds, 10, " s")
        clone = cloned(author, Path(home) / "pictures")
        yield at_most(f"{what} pull", run(*DVC, "pull", f"generate@{MODEL}", cwd=clone).seconds, 10, " s")
        same = len(list((clone / "data/images" / MODEL).rglob("*.parquet")))
        yield at_most("shards that did not come", len(list((author / "data/images" / MODEL).rglob("*.parquet"))) - same, 0)
        tables = [name for name in listed(author) if not name.startswith("generate")]
        run(*DVC, "push", *tables, cwd=author)
        clone = cloned(author, Path(home) / "scores")
        run(*DVC, "pull", *tables, cwd=clone)
        yield at_most(
            "the same clone with scores only, dvc repro, nothing changed", run(*DVC, "repro", "--allow-missing", cwd=clone).seconds, 2, " s"
        )
        yield at_most(
            "trig doctor --remote, which asks the server",
            run(sys.executable, "-m", "trig.cli", "doctor", "--remote", cwd=clone).seconds,
            3,
            " s",
        )
        study = run(*DVC, "exp", "run", "--allow-missing", "--set-param", "thresholds.synergy=0.7", cwd=clone)
        yield at_most(f"dvc exp run --allow-missing -S thresholds.synergy=0.7, {full.MODELS} × {size:,} samples", study.seconds, 15, " s")
        yield exactly("stages that it runs", stages(study), STUDY)


@contextmanager
def published(home: Path) -> Iterator[tuple[Path, int]]:
    """A finished run in git with a remote that has nothing yet; and its samples per model."""
    place = fresh()
    try:
        size = full.finished(place, full.MODELS, full.SHARE)
        with remotes.s3(home) as bucket, patch.dict("os.environ", bucket.keys):
            run(*DVC, "remote", "add", "--default", "store", f"s3://{bucket.name}/trig", cwd=place)
            run(*DVC, "remote", "modify", "store", "endpointurl", bucket.endpoint, cwd=place)
            commit(place, "Run the pipeline")
            yield place, size
    finally:
        shutil.rmtree(place)


def cloned(author: Path, place: Path) -> Path:
    """A clone of a project, and the weights, which are inputs that no stage makes."""
    subprocess.run(["git", "clone", "--quiet", author, place], check=True)
    return place


def listed(place: Path) -> list[str]:
    """Stages of the graph."""
    return [line.split()[0] for line in run(*DVC, "stage", "list", "--name-only", cwd=place).stdout.splitlines()]
