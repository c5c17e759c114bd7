"""The graph: what `dvc.yaml` says a stage depends on is what its code imports."""

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import yaml

from trig import params

ROOT = Path(__file__).parents[1]
GRAPH: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
PLUMBING = {
    *("stages/__init__.py", "stages/_cli.py", "stages/_spread.py", "trig/__init__.py", "trig/backends/__init__.py"),
    *("trig/bounds.py", "trig/complaints.py", "trig/errors.py", "trig/files.py", "trig/memory.py", "trig/params.py", "trig/store.py"),
}
"""What decides how a stage runs and fails, and never what it writes: the values of parameters are dependencies of their own."""
CODE = ("stages/", "trig/")


def body(stage: str) -> dict[str, Any]:
    """What a stage says, also where it stands under `do`."""
    said = GRAPH[stage]
    inner: dict[str, Any] = said.get("do", said)
    return inner


def declared(stage: str) -> set[str]:
    """The code files among a stage's dependencies; a folder stands for all files in it."""
    return {file for dep in body(stage)["deps"] if dep.startswith(CODE) for file in files(ROOT / dep)}


def files(place: Path) -> Iterator[str]:
    found = [place] if place.is_file() else place.rglob("*")
    return (file.relative_to(ROOT).as_posix() for file in found if file.is_file() and "__pycache__" not in file.parts)


def program(stage: str) -> str:
    """The file of the program that a stage runs: `python -m stages.NAME …`."""
    command: str = body(stage)["cmd"]
    return command.split()[2].replace(".", "/") + ".py"


def closure(start: str) -> set[str]:
    """The project's files that a program imports, in steps of any number, and the files that lie beside their packages' code."""
    seen: set[str] = set()
    ahead = {start}
    while ahead:
        seen |= ahead
        ahead = {found for file in ahead - PLUMBING for found in imports(file)} - seen
    packages = {Path(file).parent for file in seen if file.endswith("__init__.py")} - {Path("trig"), Path("stages")}
    beside = {file for package in packages for file in files(ROOT / package) if not file.endswith(".py")}
    return (seen | beside) - PLUMBING


@cache
def imports(file: str) -> frozenset[str]:
    """The project's files that a file imports, at its top or inside a function, with the packages they lie in."""
    tree = ast.parse((ROOT / file).read_text("utf-8")) if file.endswith(".py") else ast.Module([], [])
    names = {name for node in ast.walk(tree) for name in named(node)}
    return frozenset(path for name in names for path in paths(name))


def named(node: ast.AST) -> Iterator[str]:
    """The modules that an import statement may name; of `from a import b` both a and a.b."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "a relative import: this test reads absolute ones only"
        yield from (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))


def paths(name: str) -> Iterator[str]:
    """The files of a module and of the packages above it; none where it is not ours."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        place = ROOT.joinpath(*parts[:end])
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if parts[0] in {"trig", "stages"} and file.is_file():
                yield file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("stage", GRAPH)
def test_a_stage_depends_on_the_code_it_imports(stage: str) -> None:
    assert declared(stage) == closure(program(stage))


def test_plumbing_exists() -> None:
    assert {file for file in PLUMBING if not (ROOT / file).is_file()} == set()


@pytest.mark.parametrize("stage", GRAPH)
def test_a_program_is_there(stage: str) -> None:
    assert importlib.util.find_spec(body(stage)["cmd"].split()[2])


def test_a_study_of_thresholds_computes_no_picture_and_trains_nothing() -> None:
    asked = {stage: [name for name in body(stage).get("params", []) if name.startswith("thresholds")] for stage in GRAPH}
    told = {stage: names for stage, names in asked.items() if names}
    assert told == {"classify": ["thresholds"], "digest": ["thresholds.score"], "report": ["thresholds"]}


@pytest.fixture(scope="module")
def edges() -> nx.DiGraph:
    """The graph as DVC sees it, from what comes first to what needs it."""
    drawn = subprocess.run([sys.executable, "-m", "dvc", "dag", "--dot"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return nx.DiGraph(re.findall(r'"(.+)" -> "(.+)"', drawn))


def test_everything_leads_to_the_report(edges: nx.DiGraph) -> None:
    main = {node for node in edges if not node.startswith("training")}
    assert main - nx.ancestors(edges, "report") == {"report"}


def test_the_tuned_model_waits_for_its_adapter_and_no_other_does(edges: nx.DiGraph) -> None:
    settings = params.load(ROOT / "params.yaml")
    tuned = {
        model
        for model in settings.generate.roster
        if any(node.startswith("finetune@") for node in nx.ancestors(edges, f"generate@{model}"))
    }
    assert tuned == set(settings.tunings)


@pytest.mark.parametrize(
    ("later", "gate"), {"generate": "prompts", "judge": "images", "classify": "scores", "digest": "scores", "report": "relations"}.items()
)
def test_a_stage_waits_for_the_gate_of_the_table_it_reads(later: str, gate: str, edges: nx.DiGraph) -> None:
    for node in edges:
        if node.split("@")[0] == later:
            assert any(before.startswith(f"gate-{gate}") for before in edges.predecessors(node))
