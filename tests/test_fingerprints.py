"""Cache versions: code that decides a cached result cannot change without its version."""

import re
from pathlib import Path
from typing import get_args

import fingerprints
import pytest
import workplace

from stages.code import module
from trig.backends.families import FAMILIES, KNOWN
from trig.params.finetune import GradientName, LossName
from trig.params.judge import JUDGES
from trig.params.models import MODELS, TRAINED


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
    advice = "name it in DECIDES of tests/fingerprints.py, with the modules whose code it stands for, then run that file"
    assert found == set(fingerprints.DECIDES) == set(fingerprints.golden()), advice


def test_every_backend_has_a_version() -> None:
    """Pictures and answers are cached: an edit without a new version would reuse stale ones."""
    backends = {f"trig.backends.painters.{name}" for name in MODELS}
    backends |= {f"trig.backends.judges.{name}" for name in JUDGES}
    backends |= {f"trig.backends.trainers.{name}" for name in TRAINED}
    assert backends <= {name.rpartition(".")[0] for name in fingerprints.DECIDES}


def test_every_family_and_every_loss_is_watched() -> None:
    """Pictures and adapters depend on the family of their model, adapters on their loss too."""
    painted, found = (
        {type(family).__module__.removeprefix("trig.").replace(".", "/") for family in families.values()} for families in (KNOWN, FAMILIES)
    )
    assert painted <= set(fingerprints.DECIDES["trig.backends.painters.diffusers.PAINTING"])
    found |= {f"backends/losses/{name}" for name in get_args(LossName)}
    assert found <= set(fingerprints.DECIDES["trig.backends.trainers.diffusers.TRAINING"])
    gradients = {Path(module(name)).with_suffix("").relative_to("trig").as_posix() for name in get_args(GradientName)}
    assert gradients <= set(fingerprints.DECIDES["trig.backends.trainers.online.PRACTISING"])


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
    try:
        ran = workplace.program("python", "-m", "fingerprints", cwd=fingerprints.ROOT / "tests")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert fingerprints.GOLDEN.read_bytes() == before
    finally:
        fingerprints.GOLDEN.write_bytes(before)
