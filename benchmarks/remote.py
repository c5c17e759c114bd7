"""Bars on sharing a run of the published benchmark's size: pictures to an S3-compatible server and back, and a study from scores alone."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import polars as pl

from benchmarks import full
from benchmarks.bar import Bar, at_most, exactly
from benchmarks.invented import commented
from trig import tables
from trig.tables import pictures
from trig.tables.images import IMAGES
from trig.tables.sources import digest
from trig.testing import remotes
from trig.testing.programs import run
from trig.testing.project import DVC, Project, commit, fresh, stages

STUDY = {"params", "classify", "gate-relations", "report"}
"""Stages that a threshold reaches."""
MODEL, MORE = "tiny", 2_000
"""Model whose pictures travel, and random bytes that each gets, in hexadecimal."""


def remote(_: Project) -> Iterator[Bar]:
    """A run of 14 models is published by its author; one clone pulls the pictures of a model, another all but pictures, and studies a threshold."""
    with TemporaryDirectory() as home, published(Path(home)) as (author, size):
        what = f"{size:,} pictures of a model, S3-compatible server on loopback, dvc"
        yield at_most(f"{what} push", run(*DVC, "push", f"generate@{MODEL}", cwd=author).seconds, 10, " s")
        clone = cloned(author, Path(home) / "pictures")
        yield at_most(f"{what} pull", run(*DVC, "pull", f"generate@{MODEL}", cwd=clone).seconds, 10, " s")
        came, there = (len(tables.shards(place / "data/images" / MODEL)) for place in (clone, author))
        yield at_most(f"the same, of {there} shards those that did not come", there - came, 0)
        light = [name for name in listed(author) if not name.startswith("generate")]
        run(*DVC, "push", *light, cwd=author)
        clone = cloned(author, Path(home) / "scores")
        run(*DVC, "pull", *light, cwd=clone)
        again = run(*DVC, "repro", "--allow-missing", cwd=clone)
        yield at_most(f"a clone with scores only, {full.MODELS} models: dvc repro, nothing changed", again.seconds, 2, " s")
        yield exactly("stages that run again", stages(again), set())
        doctor = run(sys.executable, "-m", "trig.cli", "doctor", "--remote", cwd=clone)
        yield at_most("trig doctor --remote, which asks the server", doctor.seconds, 3, " s")
        study = run(*DVC, "exp", "run", "--allow-missing", "--set-param", "thresholds.synergy=0.7", cwd=clone)
        yield at_most(f"dvc exp run --allow-missing -S thresholds.synergy=0.7, {full.MODELS} × {size:,} samples", study.seconds, 15, " s")
        yield exactly("stages that it runs", stages(study), STUDY)


@contextmanager
def published(home: Path) -> Iterator[tuple[Path, int]]:
    """A finished run in git with a remote that has nothing yet; and its samples per model."""
    place = fresh()
    try:
        size = full.run_until_classify(place, full.MODELS, full.SHARE)
        heavier(place / "data/images" / MODEL)
        full.finish(place)
        with remotes.s3(home) as bucket, patch.dict("os.environ", bucket.keys):
            run(*DVC, "remote", "add", "--default", "store", f"s3://{bucket.name}/trig", cwd=place)
            run(*DVC, "remote", "modify", "store", "endpointurl", bucket.endpoint, cwd=place)
            commit(place, "Run the pipeline")
            yield place, size
    finally:
        shutil.rmtree(place)


def heavier(folder: Path) -> None:
    """Gives each picture of a model a few kB more, which do not compress."""
    draw = np.random.default_rng(3)
    for shard in tables.shards(folder):
        rows = pl.read_parquet(shard).to_dicts()
        for row in rows:
            row["image"]["bytes"] = commented(row["image"]["bytes"], draw.bytes(MORE).hex())
            row["digest"] = digest(row["image"]["bytes"])
        pictures.write(rows, IMAGES, shard)


def cloned(author: Path, place: Path) -> Path:
    """A clone of a project."""
    subprocess.run(["git", "clone", "--quiet", author, place], check=True)
    return place


def listed(place: Path) -> list[str]:
    """Stages of the graph."""
    return [line.split()[0] for line in run(*DVC, "stage", "list", "--name-only", cwd=place).stdout.splitlines()]
