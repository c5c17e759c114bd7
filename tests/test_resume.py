"""Resuming: a killed stage continues and ends with the bytes of an undisturbed run."""

import importlib
import multiprocessing
import os
import random
import re
import signal
import sys
import time
from dataclasses import dataclass, field
from itertools import chain, pairwise
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import polars as pl
import pytest
import workplace

from trig import tables
from trig.keys import prompt_key
from trig.tables.images import IMAGES as IMAGES_TABLE
from trig.tables.prompts import PROMPTS as PROMPTS_TABLE
from trig.tables.prompts import split
from trig.testing import factories

PROMPTS, IMAGES = "prompts.parquet", "images/tiny"
SCORES, DIAGNOSTICS = "scores/tiny.parquet", "diagnostics/tiny.parquet"
HOSTILE = "<script>alert(1)</script> ../../../etc/passwd\n{{ 7 * 7 }} a red ball"
GENERATE = ("generate", "tiny", PROMPTS, "sources", IMAGES)
JUDGE = ("judge", "tiny", PROMPTS, "sources", IMAGES, SCORES, DIAGNOSTICS)
LOG = "log.txt"
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        "stages.generate",
        "stages.judge",
        "trig.backends.trainers.diffusers",
        "trig.backends.judges.transformers",
        "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl",
    ]
)
"""Each run of a stage is a process forked with the model libraries loaded: nine imports would take minutes."""


def work(folder: Path, stage: tuple[str, ...]) -> None:
    """Process of a run: the stage's program in a folder, with a work store of its own."""
    os.chdir(folder)
    os.environ["DVC_ROOT"] = str(folder / "root")
    os.dup2(os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.stderr.fileno())
    importlib.import_module(f"stages.{stage[0]}").main(stage[1], *map(Path, stage[2:]))


@dataclass
class Place:
    """Folder with its own work store, and the output of each run."""

    folder: Path
    begun: list[int] = field(default_factory=list)  # cached at the start
    ended: list[int] = field(default_factory=list)  # done at the end

    def run(self, stage: tuple[str, ...]) -> None:
        """Runs to completion."""
        process = self._start(stage)
        process.join()
        assert process.exitcode == 0, (self.folder / LOG).read_text("utf-8")
        self._note()

    def kill(self, stage: tuple[str, ...], delay: float) -> None:
        """Runs until some seconds after the first batch, then `kill -9`."""
        process = self._start(stage)
        while process.is_alive() and len(self._said()) < 2:
            time.sleep(0.002)
        time.sleep(delay)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, (self.folder / LOG).read_text("utf-8")
        self._note()

    def _start(self, stage: tuple[str, ...]) -> ForkServerProcess:
        (self.folder / LOG).unlink(missing_ok=True)
        process = SERVER.Process(target=work, args=(self.folder, stage))
        process.start()
        return process

    def _note(self) -> None:
        said = self._said()
        self.begun.append(said[0])
        self.ended.append(said[-1])

    def _said(self) -> list[int]:
        """Numbers of lines such as `generate tiny: 8 of 24 (9.3 pictures/s, 2 s left)`."""
        log = self.folder / LOG
        return [
            int(done)
            for done in re.findall(
                r"^(?:generate|judge) tiny: (\d+) of \d+(?: \(.*\))?$", log.read_text("utf-8") if log.exists() else "", re.MULTILINE
            )
        ]

    def files(self) -> dict[str, bytes]:
        """All outputs of the stages."""
        found = [*self.folder.glob("images/**/*"), *self.folder.glob("scores/*"), *self.folder.glob("diagnostics/*")]
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in found if file.is_file()}


def place(folder: Path, prompts: pl.DataFrame) -> Place:
    workplace.bench(folder, generate__batch_size=4, judge__batch_size=4, **{"models__tiny__steps": 2, "models__tiny-dtm__steps": 2})
    tables.write(prompts, PROMPTS_TABLE, folder / PROMPTS)
    return Place(folder)


@pytest.fixture(scope="module")
def prompts() -> pl.DataFrame:
    """24 test prompts, the first hostile."""
    first = pl.col("data_id") == "IQ-R_TA-C_1"
    return factories.prompts(per_subset=8, train=1).with_columns(
        prompt=pl.when(first).then(pl.lit(HOSTILE)).otherwise("prompt"),
        key=pl.when(first).then(pl.lit(prompt_key("t2i", HOSTILE, None))).otherwise("key"),
    )


@pytest.fixture(scope="module")
def undisturbed(prompts: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Place:
    quiet = place(tmp_path_factory.mktemp("quiet"), prompts)
    quiet.run(GENERATE)
    quiet.run(JUDGE)
    return quiet


@pytest.fixture(scope="module")
def disturbed(prompts: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return place(tmp_path_factory.mktemp("disturbed"), prompts)


@pytest.mark.parametrize(("stage", "kills"), [(GENERATE, 3), (JUDGE, 2)])
def test_kill_nine_at_random_moments_changes_nothing(stage: tuple[str, ...], kills: int, undisturbed: Place, disturbed: Place) -> None:
    disturbed.begun.clear()
    disturbed.ended.clear()
    moment = random.Random(stage[0])
    for _ in range(kills):
        disturbed.kill(stage, moment.uniform(0, 0.02))
    disturbed.run(stage)
    assert disturbed.begun[0] == 0 and disturbed.begun[1] > 0 and disturbed.begun[-1] < disturbed.ended[-1]
    assert all(later >= before for before, later in pairwise(chain(*zip(disturbed.begun, disturbed.ended, strict=True))))
    assert disturbed.files().items() <= undisturbed.files().items()


def test_all_files_are_there(undisturbed: Place, disturbed: Place) -> None:
    assert disturbed.files().keys() == undisturbed.files().keys()


def test_a_hostile_prompt_is_text_and_never_a_place(undisturbed: Place, prompts: pl.DataFrame) -> None:
    shards = {f"images/tiny/t2i/{pair}.parquet" for pair in prompts["pair"].unique()}
    assert undisturbed.files().keys() == shards | {SCORES, DIAGNOSTICS}
    paths = tables.read(undisturbed.folder / IMAGES, IMAGES_TABLE)["image"].struct.field("path")
    assert sorted(paths) == sorted(split(prompts, "test")["data_id"] + ".png")
