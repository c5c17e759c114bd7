"""Inputs that are not what dvc.lock says are named, and DVC looks at them again."""

import json
import os
from hashlib import md5
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from lines import names

from trig.errors import FileError
from trig.run import sound
from trig.run.parent import STAGE

SCORES, PICTURES = "data/scores.parquet", "data/images"


def keep(content: bytes) -> str:
    """Writes an object into DVC's cache."""
    oid = md5(content, usedforsecurity=False).hexdigest()
    file = Path(".dvc/cache/files/md5") / oid[:2] / oid[2:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o444)
    return oid


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file and a folder of two files that stages wrote, linked to DVC's cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv(STAGE, "classify")
    Repo.init(no_scm=True).close()
    files = {SCORES: keep(b"scores"), f"{PICTURES}/b/1.parquet": keep(b"one"), f"{PICTURES}/a.parquet": keep(b"two")}
    for name, oid in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        os.link(Path(".dvc/cache/files/md5") / oid[:2] / oid[2:], name)
    listed = [{"md5": files[f"{PICTURES}/{name}"], "relpath": name} for name in ("a.parquet", "b/1.parquet")]
    folder = keep(json.dumps(listed, sort_keys=True).encode())
    cache = Path(".dvc/cache/files/md5") / folder[:2]
    (cache / folder[2:]).rename(cache / f"{folder[2:]}.dir")
    outs = {"judge": [{"path": SCORES, "md5": files[SCORES]}], "generate": [{"path": PICTURES, "md5": f"{folder}.dir"}]}
    stages = {name: {"cmd": "true", "outs": found} for name, found in outs.items()}
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages | {"classify": {"cmd": "true"}}}), "utf-8")
    return tmp_path


def flip(file: Path) -> None:
    """Other bytes, under the same time."""
    before = file.stat()
    with file.open("r+b") as opened:
        opened.write(b"x")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("damaged", [SCORES, f"{PICTURES}/b/1.parquet"])
def test_a_flipped_byte_that_no_time_tells_of_is_named_and_dvc_looks_again(damaged: str, project: Path) -> None:
    file = project / damaged
    sound.check([SCORES, PICTURES])
    flip(file)
    before = file.stat()
    sound.check(["data/prompts.parquet"])  # no input of this stage
    with pytest.raises(FileError, match=names(damaged, "dvc.lock", "dvc repro")):
        sound.check([SCORES, PICTURES])
    assert file.stat().st_mtime_ns > before.st_mtime_ns and file.stat().st_mode & 0o200
    scores = md5(b"scores", usedforsecurity=False).hexdigest()
    with Repo() as repo:
        assert repo.cache.local.oids_exist([scores]) == ([] if damaged == SCORES else [scores])


def test_what_a_stage_that_never_ran_depends_on_is_looked_at(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = {"stages": {"gate": {"matrix": {"model": ["images"]}, "cmd": "true", "deps": ["${judge.name}", "data/${item.model}"]}}}
    (project / "dvc.yaml").write_text(yaml.safe_dump(plan), "utf-8")
    monkeypatch.setenv(STAGE, "gate@images")
    flip(project / SCORES)
    sound.check([])
    flip(project / "data/images/a.parquet")
    with pytest.raises(FileError, match=names("data/images/a.parquet")):
        sound.check([])


def test_an_input_that_only_the_lock_names_is_looked_at(project: Path) -> None:
    lock = yaml.safe_load((project / "dvc.lock").read_text("utf-8"))
    lock["stages"]["classify"]["deps"] = [{"path": "data/images/a.parquet"}]
    (project / "dvc.lock").write_text(yaml.safe_dump(lock), "utf-8")
    sound.check([])
    flip(project / "data/images/a.parquet")
    with pytest.raises(FileError, match=names("data/images/a.parquet")):
        sound.check([])


def test_large_outputs_and_the_stages_own_are_not_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(project / SCORES)
    sound.check([SCORES], largest=3)
    monkeypatch.setenv(STAGE, "dvc.yaml:judge")
    sound.check([SCORES])


@pytest.mark.parametrize("ran", [True, False])
def test_a_folder_that_a_stage_writes_into_is_no_input_of_it(ran: bool, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a stage could not go on where a later one has to write its own file there anew."""
    monkeypatch.setenv(STAGE, "digest")
    plan = {"stages": {"digest": {"cmd": "true", "plots": [{"data/digest.png": {"cache": False}}]}}}
    (project / "dvc.yaml").write_text(yaml.safe_dump(plan), "utf-8")
    lock = yaml.safe_load((project / "dvc.lock").read_text("utf-8"))
    if ran:
        lock["stages"]["digest"] = {"cmd": "true", "outs": [{"path": "data/digest.png", "md5": "0"}]}
    (project / "dvc.lock").write_text(yaml.safe_dump(lock), "utf-8")
    flip(project / SCORES)
    sound.check(["data"])
    with pytest.raises(FileError, match=names(SCORES)):
        sound.check(["data", SCORES])
