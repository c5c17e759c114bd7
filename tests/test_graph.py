"""The DVC graph: dependencies and order of the stages."""

import importlib
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import workplace
import yaml

from stages.params import OWN
from trig import params
from trig.params.executing import Executing
from trig.params.reads import keys
from trig.testing.project import copy

ROOT = Path(__file__).parents[1]
GRAPH: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]


def body(stage: str) -> dict[str, Any]:
    """Definition of a stage, also of a `do` block."""
    said = GRAPH[stage]
    inner: dict[str, Any] = said.get("do", said)
    return inner


def program(stage: str) -> str:
    """File of the program a stage runs: `python -m stages.NAME …`."""
    command: str = body(stage)["cmd"]
    return command.split()[2].replace(".", "/") + ".py"


HASHES = "data/code"
READS = keys(ROOT / "trig/params/reads.yaml")


@pytest.mark.parametrize("stage", sorted(GRAPH.keys() - {"params", "code"}))
def test_a_stage_depends_on_the_hash_of_its_own_code(stage: str) -> None:
    assert [dep for dep in body(stage)["deps"] if dep.startswith(HASHES)] == [f"{HASHES}/{Path(program(stage)).stem}.txt"]


WRITING = [stage for stage in GRAPH if hasattr(importlib.import_module(body(stage)["cmd"].split()[2]), "PARAMETERS")]


@pytest.mark.parametrize("stage", WRITING)
def test_a_table_names_the_code_and_the_parameters_of_the_stage_that_writes_it(stage: str) -> None:
    """All that DVC watches; of the digest and of a gate, those that decide the table, so that others rewrite none."""
    module = importlib.import_module(body(stage)["cmd"].split()[2])
    command = body(stage)["cmd"].split()
    assert command[command.index("--code") + 1] == f"{HASHES}/{Path(program(stage)).stem}.txt"
    named = set(module.PARAMETERS)  # the stage adds its own of a `foreach`
    assert named <= set(READS[stage])
    assert stage in {"digest", "gate-images"} or named == set(READS[stage])


@pytest.mark.parametrize("stage", GRAPH)
def test_a_stage_depends_on_what_it_reads_of_params(stage: str) -> None:
    files = [dep for dep in body(stage)["deps"] if dep.startswith("data/params/")]
    own = [f"data/params/{section}/${{key}}.json" for section in OWN if GRAPH[stage].get("foreach") == f"${{{section}}}"]
    assert sorted(files) == sorted([f"data/params/{stage}.json"] * (stage in READS) + own)
    assert not body(stage).get("params")


def test_every_stage_that_writes_a_table_says_what_made_it() -> None:
    """`generate` and `library.write` name what decides each shard."""
    writes = {stage for stage in GRAPH if re.search(r"tables\.write\(|\.write\(out", (ROOT / program(stage)).read_text("utf-8"))}
    assert writes | {"digest"} == set(WRITING)


def test_what_a_stage_reads_is_there() -> None:
    """A misspelt key would be left out, as one that params.yaml leaves to its default, and a change of it would rerun nothing."""
    settings = params.load(ROOT / "params.yaml")
    for named in READS.values():
        settings.told(*named)
    with pytest.raises(KeyError):
        settings.told("judge.max_of_mass")


def test_no_code_is_named_by_hand() -> None:
    assert {stage: [dep for dep in body(stage)["deps"] if dep.startswith(("stages", "trig"))] for stage in GRAPH} == {
        stage: {"code": ["stages", "trig"], "params": [f"trig/params/{name}.yaml" for name in ("judges", "reads", "zoo")]}.get(stage, [])
        for stage in GRAPH
    }  # the zoo and the presets are data: entries of params.yaml extend them
    assert len((ROOT / "dvc.yaml").read_text("utf-8").splitlines()) <= 230


@pytest.mark.parametrize("stage", GRAPH)
def test_a_program_is_there(stage: str) -> None:
    assert importlib.util.find_spec(body(stage)["cmd"].split()[2])


def test_a_study_of_thresholds_computes_no_picture_and_trains_nothing() -> None:
    asked = {stage: [name for name in named if name.startswith("thresholds")] for stage, named in READS.items()}
    told = {stage: names for stage, names in asked.items() if names}
    assert told == {
        "classify": ["thresholds"],
        "digest": ["thresholds.bootstraps", "thresholds.correlation", "thresholds.score"],
        "report": ["thresholds"],
    }


def test_where_batches_are_computed_reruns_nothing() -> None:
    asked = {name for named in READS.values() for name in named}
    assert not asked & {
        "generate",
        "judge",
        *(f"{section}.{field}" for section in ("generate", "judge") for field in Executing.model_fields),
    }


def test_no_stage_reads_an_entry_that_lacks_what_it_extends() -> None:
    """Only `needs` of an entry as written: the rest may stand in the entry that it extends, and a change there would rerun nothing."""
    said = yaml.safe_dump({stage: body(stage) for stage in GRAPH})
    assert set(re.findall(r"(?:models|judges)\.\$\{.+?\}|item\.\w+", said)) == {"item.model", "item.base", "item.needs"}
    assert "data/models/${key}.json" in body("zoo")["deps"]
    assert "data/judges/${key}.json" in body("zoo-judge")["deps"]
    assert all("data/zoo/judges/${judge.name}.json" in body(stage)["deps"] for stage in ("gate-prompts", "judge", "finetune"))
    assert all("data/zoo/${item." in str(body(stage)["deps"]) for stage in ("generate", "finetune"))


def test_a_change_of_an_entry_reruns_what_extends_it_and_nothing_else(tmp_path: Path) -> None:
    copy(tmp_path)
    assert {"zoo@tiny", "zoo@tiny-turbo"} <= zoo(tmp_path)
    workplace.edit(tmp_path, **{"models__tiny-turbo__steps": 3})
    assert zoo(tmp_path) == {"params", "code", "zoo@tiny-turbo"}
    workplace.edit(tmp_path, models__tiny__width=72)
    assert zoo(tmp_path) == {"params", "code", "zoo@tiny", "zoo@tiny-turbo"}
    assert json.loads((tmp_path / "data/zoo/tiny-turbo.json").read_text("utf-8"))["entry"]["width"] == 72


def zoo(place: Path) -> set[str]:
    """Runs the stage `zoo` of two models; returns the stages that ran."""
    done = workplace.program("dvc", "repro", "zoo@tiny", "zoo@tiny-turbo", cwd=place)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return set(re.findall(r"^Running stage '(.+)':$", done.stdout, re.MULTILINE))


@pytest.fixture(scope="module")
def edges() -> nx.DiGraph:
    """The graph as DVC resolves it, in topological order."""
    drawn = workplace.program("dvc", "dag", "--dot", cwd=ROOT).stdout
    return nx.DiGraph(re.findall(r'"(.+)" -> "(.+)"', drawn))


def test_everything_leads_to_a_page(edges: nx.DiGraph) -> None:
    main = {node for node in edges if not node.startswith("tinyworld")}
    assert main - nx.ancestors(edges, "report") == {"report", "quality"}


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
