"""Stored results are keyed by versions that people raise by hand: code that decides a result cannot change without its version."""

import re
import subprocess
import sys
from pathlib import Path

import fingerprints
import pytest


@pytest.mark.parametrize("name", fingerprints.DECIDES)
def test_code_that_decides_a_result_changes_with_its_version_only(name: str) -> None:
    assert fingerprints.mark(name) == fingerprints.golden()[name], (
        f"the code that {name} stands for has changed: raise it if any stored result could come out otherwise, then run"
        " `python tests/fingerprints.py`, with --same-results if none could"
    )


def test_every_version_is_watched() -> None:
    trig = fingerprints.ROOT / "trig"
    found = {
        f"trig.{file.relative_to(trig).with_suffix('').as_posix().replace('/', '.')}.{name}"
        for file in trig.rglob("*.py")
        for name in re.findall(r'^([A-Z]+) = \d+\n"""Cache version', file.read_text("utf-8"), re.MULTILINE)
    }
    assert found == set(fingerprints.DECIDES) == set(fingerprints.golden())


def test_a_changed_body_is_not_taken_over_without_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {name: mark | {"code": "0" * 16} for name, mark in fingerprints.golden().items()}
    monkeypatch.setattr(fingerprints, "GOLDEN", tmp_path / "golden.json")
    monkeypatch.setattr(fingerprints, "golden", lambda: changed)
    (tmp_path / "golden.json").touch()
    with pytest.raises(SystemExit, match="its code has changed: raise it"):
        fingerprints.main(same_results=False)
    fingerprints.main(same_results=True)
    assert "version" in (tmp_path / "golden.json").read_text("utf-8")


def test_the_program_agrees_with_the_test() -> None:
    before = fingerprints.GOLDEN.read_bytes()
    subprocess.run([sys.executable, str(Path(fingerprints.__file__))], check=True, cwd=fingerprints.ROOT)
    assert fingerprints.GOLDEN.read_bytes() == before
