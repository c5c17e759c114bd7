"""Cache versions: code that decides a cached result cannot change without its version."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import get_args

import fingerprints
import pytest
import workplace
from lines import names

from stages.code import module
from trig.backends.families import FAMILIES, KNOWN
from trig.params.finetune import GradientName, LossName
from trig.params.judge import JUDGES
from trig.params.models import MODELS, TRAINED
from trig.run.code import Code

WATCHED = "name it in DECIDES of tests/fingerprints.py, with the modules whose code decides what is kept, and run that file"


@pytest.mark.parametrize("name", fingerprints.DECIDES)
def test_code_that_decides_a_result_changes_with_its_version_only(name: str) -> None:
    assert fingerprints.mark(name) == fingerprints.golden().get(name), (
        f"the code that {name} stands for has changed: raise it if any stored result could come out otherwise, and run"
        f" `python tests/fingerprints.py`; if none could, run it with --same-results {name}"
    )


def test_every_version_is_watched() -> None:
    trig = fingerprints.ROOT / "trig"
    found = {
        f"trig.{file.relative_to(trig).with_suffix('').as_posix().replace('/', '.')}.{name}"
        for file in trig.rglob("*.py")
        for name in re.findall(r'^([A-Z]+) = \d+\n"""Cache version', file.read_text("utf-8"), re.MULTILINE)
    }
    assert found == set(fingerprints.DECIDES), WATCHED
    assert found == set(fingerprints.golden()), "run `python tests/fingerprints.py`"


def test_every_backend_has_a_version() -> None:
    """Pictures and answers are cached: an edit without a new version would reuse stale ones."""
    backends = {f"trig.backends.painters.{name}" for name in MODELS}
    backends |= {f"trig.backends.judges.{name}" for name in JUDGES}
    backends |= {f"trig.backends.trainers.{name}" for name in TRAINED}
    lacking = backends - {name.rpartition(".")[0] for name in fingerprints.DECIDES}
    assert not lacking, f"{', '.join(sorted(lacking))}: {WATCHED}"


@pytest.mark.parametrize("name", fingerprints.DECIDES)
def test_a_version_is_part_of_a_key(name: str) -> None:
    """One that is named and never read would be raised in vain."""
    module, _, version = name.rpartition(".")
    own = fingerprints.ROOT / f"{module.replace('.', '/')}.py"
    having = [nodes for file, nodes in trees().items() if file == own or any(imports(node, module, version) for node in nodes)]
    read = [
        node for nodes in having for node in nodes if isinstance(node, ast.Name) and node.id == version and isinstance(node.ctx, ast.Load)
    ]
    assert read, f"{name}: put it into the key of what it stands for"


@cache
def trees() -> dict[Path, list[ast.AST]]:
    """Syntax trees of all modules of trig, flat."""
    return {file: list(ast.walk(ast.parse(file.read_bytes()))) for file in (fingerprints.ROOT / "trig").rglob("*.py")}


def imports(node: ast.AST, module: str, name: str) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == module and name in {alias.name for alias in node.names}


@pytest.mark.parametrize("name", [name for name in fingerprints.DECIDES if ".painters." in name or ".judges." in name])
def test_a_version_stands_for_all_that_its_backend_imports_of_its_kind(name: str) -> None:
    path = f"trig/{name.rpartition('.')[0].removeprefix('trig.').replace('.', '/')}.py"
    kind = {each for each in Code(fingerprints.ROOT).closure(path) if Path(each).parent == Path(path).parent and "__init__" not in each}
    lacking = {each.removeprefix("trig/").removesuffix(".py") for each in kind} - set(fingerprints.DECIDES[name]) - fingerprints.ALIKE
    assert not lacking, f"{name}: it imports {', '.join(sorted(lacking))}: {WATCHED}"


def test_every_family_and_every_loss_is_watched() -> None:
    """Pictures and adapters depend on the family of their model, adapters on their loss too."""
    painted, found = (
        {type(family).__module__.removeprefix("trig.").replace(".", "/") for family in families.values()} for families in (KNOWN, FAMILIES)
    )
    assert painted <= set(fingerprints.DECIDES["trig.backends.painters.diffusers.PAINTING"]), WATCHED
    found |= {f"backends/losses/{name}" for name in get_args(LossName)}
    assert found <= set(fingerprints.DECIDES["trig.backends.trainers.diffusers.TRAINING"]), WATCHED
    gradients = {Path(module(name)).with_suffix("").relative_to("trig").as_posix() for name in get_args(GradientName)}
    assert gradients <= set(fingerprints.DECIDES["trig.backends.trainers.online.PRACTISING"]), WATCHED


def test_a_changed_body_is_not_taken_over_without_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {name: mark | {"code": "0" * 16} for name, mark in fingerprints.golden().items()}
    monkeypatch.setattr(fingerprints, "GOLDEN", tmp_path / "golden.json")
    monkeypatch.setattr(fingerprints, "golden", lambda: changed)
    (tmp_path / "golden.json").touch()
    one, *others = changed
    with pytest.raises(SystemExit) as told:
        fingerprints.main([])
    assert all(name in str(told.value) for name in changed)
    with pytest.raises(SystemExit) as told:
        fingerprints.main([one])
    assert one not in str(told.value) and all(name in str(told.value) for name in others)
    assert not (tmp_path / "golden.json").read_text("utf-8")
    fingerprints.main(["all"])
    assert "version" in (tmp_path / "golden.json").read_text("utf-8")


def test_a_name_that_is_no_version_is_refused() -> None:
    with pytest.raises(SystemExit, match=names("--same-results", "trig.nothing.PAINTING")):
        fingerprints.main(["trig.nothing.PAINTING"])


def test_the_program_agrees_with_the_test() -> None:
    before = fingerprints.GOLDEN.read_bytes()
    try:
        ran = workplace.program("python", "-m", "fingerprints", cwd=fingerprints.ROOT / "tests")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert fingerprints.GOLDEN.read_bytes() == before
    finally:
        fingerprints.GOLDEN.write_bytes(before)
