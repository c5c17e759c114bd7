"""Files of DVC that were cut off are named exactly where DVC reads them no more, with a command that mends them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from dvc import rwlock
from dvc.dvcfile import Lockfile
from dvc.exceptions import DvcException
from dvc.fs import localfs
from dvc.repo import Repo

from benchmarks.chaos.advice import command
from trig.cli import leftovers
from trig.testing.project import commit


def test_a_lock_file_of_dvc_that_a_kill_cut_off_is_named_where_dvc_reads_it_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not list(leftovers.rows())
    file, held = tmp_path / leftovers.RWLOCK, json.dumps({"write": {"/x": {"pid": 1, "cmd": "dvc repro"}}, "read": {}})
    file.parent.mkdir(parents=True)
    for text in [*(held[:end] for end in range(len(held) + 1)), "{}", '{"/x": {}}', '{"write": {"/x": 3}}']:
        file.write_text(text, "utf-8")
        try:
            with rwlock.rwlock(str(file.parent), localfs, "dvc status", [], [], False):
                refused = False
        except DvcException:
            refused = True
        file.write_text(text, "utf-8")
        assert [(good, what) for good, what, _ in leftovers.rows()] == [(False, str(leftovers.RWLOCK))] * refused
    _typed()
    assert not list(leftovers.rows()) and not file.exists()


def test_a_lock_of_results_that_a_kill_cut_off_is_named_where_dvc_reads_it_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = {"path": "out", "hash": "md5", "md5": "60b725f10c9c85c70d97880dfe8191b3", "size": 2}
    whole = yaml.safe_dump({"schema": "2.0", "stages": {"a": {"cmd": "echo a > out", "outs": [out]}}}, sort_keys=False)
    file, repo = tmp_path / leftovers.LOCK, Repo.init(str(tmp_path), no_scm=True)
    for end in range(len(whole)):
        file.write_text(whole[:end], "utf-8")
        try:
            Lockfile(repo, str(file)).load()
            refused = False
        except DvcException:
            refused = True
        assert [(good, what) for good, what, _ in leftovers.rows()] == [(False, str(leftovers.LOCK))] * refused, whole[:end]
    for committed in (True, False):
        if committed:
            subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
            file.write_text(whole, "utf-8")
            commit(tmp_path, "Run")
        else:
            shutil.rmtree(tmp_path / ".git")
        file.write_text(whole[:20], "utf-8")
        _typed()
        assert not list(leftovers.rows()) and file.exists() is committed


def _typed() -> None:
    """What the one finding says is typed."""
    ((_, _, said),) = leftovers.rows()
    subprocess.run(command(said), check=True)
