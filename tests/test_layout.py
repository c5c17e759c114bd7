"""The README's tree, the Makefile and the pins agree with the files."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
TREE = README.rsplit("```", 2)[1].strip("\n").splitlines()


def drawn() -> dict[str, set[str]]:
    """The tree: top-level names, each with the names below it."""
    found: dict[str, set[str]] = {}
    for line in TREE:
        name = line.split()[0].rstrip("/")
        if line.startswith("  "):
            found[list(found)[-1]].add(name)
        else:
            found[name] = set()
    return found


def tracked() -> dict[str, set[str]]:
    """The same for files in git."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return two_levels(listed)


def computed() -> dict[str, set[str]]:
    """The same for paths in the DVC graph."""
    return two_levels(named("deps", "outs", "metrics", "plots"))


def named(*kinds: str, cached: bool = False) -> list[str]:
    """Paths in the DVC graph, but those that params.yaml names; or of these only what DVC keeps."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"].values()
    entries = [entry for stage in stages for kind in kinds for entry in stage.get("do", stage).get(kind, [])]
    told = [next(iter(entry.items())) if isinstance(entry, dict) else (entry, {}) for entry in entries]
    return [path for path, options in told if not path.startswith("${") and not (cached and options.get("cache") is False)]


def two_levels(names: list[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in names:
        top, *below = Path(name).parts
        found.setdefault(top, set()).update(below[:1])
    return found


def test_the_tree_names_everything_at_the_top() -> None:
    assert drawn().keys() == tracked().keys() | {"dvc.lock", "reports"}


def test_nothing_that_dvc_keeps_is_in_git() -> None:
    """DVC refuses it. What git is to keep, `dvc.lock` and small results, is whoever's project it is to commit."""
    kept = [re.sub(r"\$\{.+?\}", "*", path) for path in named("outs", "metrics", "plots", cached=True)]
    assert {"data/scores/*.parquet", "data/proof/eye.json"} <= set(kept) and "reports/map.png" not in kept
    places = [f":(glob){path}{below}" for path in kept for below in ("", "/**")]
    assert subprocess.check_output(["git", "ls-files", *places], cwd=ROOT, text=True) == ""


@pytest.mark.parametrize("folder", [folder for folder, below in drawn().items() if below])
def test_a_folder_that_the_tree_opens_is_told_in_full(folder: str) -> None:
    below = drawn()[folder]
    assert tracked()[folder] - below == set()
    assert below - tracked()[folder] - computed()[folder] == set()


def test_every_line_but_those_of_packages_says_what_it_is() -> None:
    assert [line for line in TREE if len(line.split()) == 1 and "__init__" not in line] == []


def test_the_readme_names_verbs_that_the_makefile_has() -> None:
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert verbs == {"repro", "test", "check", "bench", "chaos", "fuzz", "audit", "clean"}
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE)) <= verbs


def test_integration_runs_what_the_readme_says() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("make")] == ["make check", "make test"]


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {name for extra in project["optional-dependencies"].values() for name in extra} | set(project["dependencies"])
    pins = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert [pin for pin in pins if not re.fullmatch(r"[a-z0-9._-]+==[a-z0-9._]+", pin)] == []
    assert wanted - {pin.partition("==")[0] for pin in pins} == set()


def test_the_shipped_weights_name_no_folder_of_the_machine_that_trained_them() -> None:
    configs = [path for path in (ROOT / "data/tiny").rglob("*.json") if path.name != "tokenizer.json"]
    assert configs
    assert not [path for path in configs if '"_name_or_path": "/' in path.read_text("utf-8")]


def test_what_a_contributor_is_sent_to_is_there() -> None:
    """Every path that CONTRIBUTING.md names, at most four per row, and every test."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = [line.split("|")[1:4] for line in text.splitlines() if line.startswith(("| a", "| commands"))]
    assert len(rows) >= 10
    for what, files, fails in rows:
        named = re.findall(r"`((?:trig|stages|data|tests|tinyworld)/[\w./]+|\w+\.yaml)`", files)
        assert len(named) <= 4, what
        for place in named + re.findall(r"`(tests/[\w./]+)", fails):
            assert (ROOT / place).exists() or "NAME" in place, place
        for file, name in re.findall(r"`(tests/[\w.]+)::(\w+)`", fails):
            assert f"def {name}(" in (ROOT / file).read_text("utf-8")


def test_every_test_that_the_security_note_names_is_there() -> None:
    named = re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert len(named) >= 20
    assert [each for each in named if f"def {each[1]}" not in (ROOT / "tests" / each[0]).read_text("utf-8")] == []


def test_functions_and_files_are_short() -> None:
    long = []
    for file in (file for package in ("trig", "stages", "tinyworld") for file in (ROOT / package).rglob("*.py")):
        text = file.read_text("utf-8")
        functions = (each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
        long += [f"{file}: {each.name}" for each in functions if (each.end_lineno or 0) - each.lineno >= 50]
        long += [str(file)] if len(text.splitlines()) > 300 else []
    assert long == []
