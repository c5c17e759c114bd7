"""The whole pipeline under DVC on a few prompts: everything is made once, and a change reruns only what it can affect."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import md5
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import workplace
import yaml

from stages import generate, judge
from trig import params, tables
from trig.files import replace
from trig.keys import content_key
from trig.provenance.places import Places
from trig.store import Store
from trig.tables.images import IMAGES
from trig.tables.prompts import PROMPTS as PROMPTS_TABLE
from trig.tables.prompts import split
from trig.tables.relations import RELATIONS
from trig.tables.scores import SCORES
from trig.testing.project import copy
from trig.vocabulary.dimensions import Task, pairs

SMALL = {
    "annotate__tasks": ["t2i"],
    "generate__roster": ["tiny", "tiny-dtm"],
    "annotate__per_subset": 2,
    "annotate__train_per_subset": 6,
    "models__tiny__steps": 2,
    "models__tiny-dtm__steps": 2,
    "thresholds__min_points": 1,
    "thresholds__bootstraps": 20,
    "report__pictures_per_pair": 1,
    "finetune__min_keep_share": 0.0,
    "finetune__candidates": 12,
    "finetune__keep_above": 0.0,
    "finetune__max_gap": 1.0,
    "finetune__steps": 2,
    "finetune__batch_size": 1,
    "finetune__policy": "threshold",
    "finetune__guard": None,
    "finetune__prompts": None,
    "finetune__watch__every": None,
    "proof__prompts": 2,
    "proof__seeds": 2,
}
PROMPTS = "data/prompts.parquet"


@dataclass(frozen=True)
class Project:
    """A copy of the project."""

    folder: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """`dvc …` or `python -m …` in it, with the code as it is here."""
        return workplace.program(*command, cwd=self.folder)

    def repro(self, *targets: str) -> set[str]:
        """Runs the pipeline, or up to these stages; returns the stages that ran."""
        done = self.run("dvc", "repro", *targets)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return set(re.findall(r"^Running stage '(.+)':$", done.stdout, re.MULTILINE))

    def status(self) -> dict[str, Any]:
        """Stages that have changed, and why."""
        told: dict[str, Any] = json.loads(self.run("dvc", "status", "--json").stdout)
        return told


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Copy of the project, run once with two prompts per pair."""
    place = tmp_path_factory.mktemp("project")
    copy(place)
    workplace.edit(place, **SMALL)
    made = Project(place)
    made.run("dvc", "config", "--local", "cache.type", "hardlink")
    ran = made.repro()
    assert {"params", "annotate", "generate@tiny", "judge@tiny", "finetune@tiny-dtm", "generate@tiny-dtm", "classify", "report"} <= ran
    return made


@pytest.fixture
def project(whole: Project) -> Path:
    """Its folder."""
    return whole.folder


@pytest.fixture
def roster(project: Path) -> list[str]:
    return params.load(project / "params.yaml").generate.roster


def test_every_interface_is_there(project: Path, roster: list[str]) -> None:
    subsets = [str(pair) for pair in pairs(Task.T2I)]
    prompts = split(tables.read(project / PROMPTS, PROMPTS_TABLE), "test")
    assert prompts.height == 2 * len(subsets)
    for model in roster:
        assert {file.name for file in (project / "data/images" / model / "t2i").iterdir()} == {f"{pair}.parquet" for pair in subsets}
        assert tables.read(project / "data/images" / model, IMAGES).height == prompts.height
        assert tables.read(project / "data/scores" / f"{model}.parquet", SCORES).height == 2 * prompts.height
    relations = tables.read(project / "data/relations.parquet", RELATIONS)
    assert relations.height == len(roster) * len(subsets)
    assert list((project / "data/lora/tiny-dtm").glob("*.safetensors"))
    assert (project / "reports/index.html").read_text("utf-8").startswith("<!doctype html>")
    assert set(json.loads((project / "reports/metrics.json").read_text("utf-8"))["models"]) == set(roster)


def test_the_story_of_a_tuned_models_picture_names_its_adapter(whole: Project) -> None:
    told = json.loads(whole.run("trig", "trace", "TA-C_TA-S_1", "--model", "tiny-dtm", "--json").stdout)
    (prompt,) = (prompt for prompt in told["prompts"] if prompt["split"] == "test")
    weights = prompt["pictures"][0]["weights"]
    assert weights["entry"]["adapter"] == "data/lora/tiny-dtm" and weights["tuning"]["base"] == "tiny"
    assert weights["revision"] == json.loads((whole.folder / "data/zoo/tiny-dtm.json").read_text("utf-8"))["revision"]


def test_every_table_of_a_run_is_one_that_verify_looks_at(project: Path) -> None:
    data = project / "data"
    assert set(Places(data).tables(params.load(project / "params.yaml"))) == set(data.rglob("*.parquet"))


def test_what_is_done_is_not_done_again(whole: Project) -> None:
    assert whole.repro() == set()


def test_in_a_clone_that_has_pulled_nothing_it_is_up_to_date(whole: Project, tmp_path: Path) -> None:
    """DVC takes a folder of which git has a part for one that has changed."""
    copy(tmp_path)
    for name in ("dvc.lock", "params.yaml"):
        shutil.copy(whole.folder / name, tmp_path)
    told = Project(tmp_path).run("dvc", "repro", "--allow-missing", "--dry")
    assert told.returncode == 0 and "Data and pipelines are up to date." in told.stdout, told.stdout + told.stderr


def test_a_threshold_reaches_the_map_and_the_report_only(whole: Project) -> None:
    workplace.edit(whole.folder, thresholds__synergy=0.6)
    assert whole.repro() == {"params", "classify", "gate-relations", "report"}


AFTER_CLASSIFY = {"classify", "gate-relations", "report"}
EDITS: list[tuple[str, str, str, str, set[str]]] = [
    ("prose of the report", "trig/report/summary.py", "Gates", "The gates", {"report"}),
    ("a column of the report", "trig/report/web/views.js", "const ", "const extra = 1; const ", {"report"}),
    ("the page's style", "trig/report/web/page.css", "body", "main, body", {"quality", "report"}),
    ("what trig score reads", "trig/judge/samples.py", 'TABLES = (".csv",', 'TABLES = (".csv", ".tsv",', set()),
    ("a message", "trig/judge/run.py", "has no picture; run", "has no picture: run", set()),
    ("a docstring", "trig/cli/doctor.py", "Say beforehand", "Says beforehand", set()),
    ("a docstring of what every stage reads", "trig/tables/__init__.py", "Parquet tables", "Tables", set()),
    (
        "a column of RELATIONS",
        "trig/tables/relations.py",
        '"nulls": pl.Int64,',
        '"extra": pl.Int64,\n        "nulls": pl.Int64,',
        AFTER_CLASSIFY,
    ),
    ("the judge that is not asked", "trig/backends/judges/contact.py", "PROBES = 3", "PROBES = 4", set()),
    ("the loss that adapters are trained with", "trig/backends/losses/sft.py", "mse_loss", "l1_loss", {"finetune"}),
    ("the policy that chooses no lesson", "trig/finetune/policies/angle.py", "def choose(", "EXTRA = 1\n\n\ndef choose(", set()),
    ("the policy that chooses them", "trig/finetune/policies/threshold.py", "def choose(", "EXTRA = 1\n\n\ndef choose(", {"finetune"}),
    (
        "a column of TRIALS",
        "trig/tables/trials.py",
        '"whole": pl.Float64,',
        '"whole": pl.Float64,\n        "extra": pl.Int64,',
        set(),
    ),
    ("a setting of the zoo", "trig/params/zoo.yaml", "steps: 20", "steps: 21", {"params"}),
    ("a setting of a judge preset", "trig/params/judges.yaml", "timeout: 180.0", "timeout: 181.0", {"params"}),
    ("what a figure is called", "trig/vocabulary/about_figures.py", '"Saturation"', '"Colourfulness"', {"digest", "report"}),
    ("what a dimension is called", "trig/vocabulary/about.py", '"Realism"', '"Photorealism"', {"annotate", "digest", "quality", "report"}),
]
"""Edits, their places, and the stages that `dvc status` names once the code is hashed again."""


@pytest.mark.parametrize(
    ("file", "old", "new", "reruns"), [edit[1:] for edit in EDITS if edit[-1]], ids=[edit[0] for edit in EDITS if edit[-1]]
)
def test_an_edit_reruns_what_it_can_change(file: str, old: str, new: str, reruns: set[str], project: Path, whole: Project) -> None:
    with edited(project, (file, old, new)):
        assert stale(whole) == reruns


def test_edits_that_change_no_result_rerun_nothing(project: Path, whole: Project) -> None:
    quiet = {name: (file, old, new) for name, file, old, new, reruns in EDITS if not reruns}

    def look(*edits: tuple[str, str, str]) -> set[str]:
        with edited(project, *edits):
            return stale(whole)

    assert not look(*quiet.values()), {name: look(edit) for name, edit in quiet.items()}


@contextmanager
def edited(project: Path, *edits: tuple[str, str, str]) -> Iterator[None]:
    """Files with one text put for another, as long as this lasts; then the hashes of their code, too, are what they were."""
    before = {project / file: (project / file).read_text("utf-8") for file, *_ in edits}
    hashes = {one: one.read_bytes() for one in (project / "data/code").iterdir()}
    try:
        for file, old, new in edits:
            text = (project / file).read_text("utf-8")
            assert old in text, file
            (project / file).write_text(text.replace(old, new, 1), "utf-8")
        yield
    finally:
        for path, text in before.items():
            path.write_text(text, "utf-8")
        for one, kept in hashes.items():
            replace(one, kept)


def test_edits_that_are_undone_rerun_nothing(whole: Project) -> None:
    assert stale(whole) == set()


def stale(whole: Project) -> set[str]:
    """Stages that would run next, without their descendants, once the code is hashed, by the code that is hashed."""
    code = workplace.python("-m", "stages.code", "data/rubrics", "data/code", cwd=whole.folder)
    assert code.returncode == 0, code.stderr
    return {stage.split("@")[0] for stage, why in whole.status().items() if stage != "code" and "changed deps" in str(why)}


@pytest.fixture
def edits(project: Path) -> Iterator[Callable[..., None]]:
    """Edits of params.yaml, undone afterwards."""
    file = project / "params.yaml"
    before = file.read_bytes()
    yield partial(workplace.edit, project)
    file.write_bytes(before)


ON_PICTURES = {"generate", "gate-images", "judge", "gate-scores", "targets", "finetune", "proof", "gate-proof"}
"""Stages of a model that a user waits for."""


def test_a_model_added_to_the_roster_reruns_no_other(project: Path, whole: Project, roster: list[str], edits: Callable[..., None]) -> None:
    lock = project / "dvc.lock"
    before = lock.read_bytes()
    edits(models__extra={"extends": "tiny", "steps": 2, "needs": "data/tiny/painter"}, generate__roster=[*roster, "extra"])
    try:
        assert whole.repro("zoo@extra") == {"params", "code", "zoo@extra"}
        told = whole.status()
    finally:
        lock.write_bytes(before)
    again = {name for name in told if name.split("@")[0] in ON_PICTURES}
    assert again == {f"{stage}@extra" for stage in ("generate", "gate-images", "judge", "gate-scores")}


def test_one_changed_prompt_costs_one_picture_per_model_and_its_two_grades(
    project: Path, roster: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    prompts = tmp_path / "prompts.parquet"
    tables.write(changed(tables.read(Path(PROMPTS), PROMPTS_TABLE)), PROMPTS_TABLE, prompts)
    for model in roster:
        before = kept()
        generate.main(model, prompts, Path("data/sources"), tmp_path / "images" / model)
        outs = [tmp_path / table / f"{model}.parquet" for table in ("scores", "diagnostics")]
        judge.main(model, prompts, Path("data/sources"), tmp_path / "images" / model, *outs)
        assert {shelf: rows - before[shelf] for shelf, rows in kept().items()} == {"images": 1, "shards": 1, "answers": 2}


def test_every_stage_replaces_what_it_writes_and_never_writes_into_the_cache(project: Path, whole: Project) -> None:
    """Run by hand, where every output is a hard link into DVC's cache. Shards of pictures stay such links: they are the work store's."""
    locked = yaml.safe_load((project / "dvc.lock").read_text("utf-8"))["stages"]
    whole.run("dvc", "checkout", "--relink", "--force")
    objects = [file for file in (project / ".dvc/cache/files/md5").rglob("*") if file.is_file()]
    places = {file.stat().st_ino for file in objects}
    linked = {file for stage in locked.values() for file in outputs(project, stage) if file.stat().st_ino in places}
    assert {"data/prompts.parquet", "data/targets/tiny-dtm.json", "data/zoo/tiny.json", "data/gates/scores/tiny.json"} <= {
        file.relative_to(project).as_posix() for file in linked
    }
    programs = {(name.split("@")[0], name.endswith("@tiny-dtm")): name for name in locked}
    for name in programs.values():  # each for the tuned model, and for one that is not
        stage = locked[name]
        assert whole.run(*shlex.split(stage["cmd"])).returncode == 0, name
        shared = [file for file in outputs(project, stage) if file.stat().st_ino in places and "data/images" not in file.as_posix()]
        assert shared == [], name
    assert [file for file in objects if md5(file.read_bytes(), usedforsecurity=False).hexdigest() != file.parent.name + file.stem] == []


def outputs(project: Path, stage: Mapping[str, Any]) -> list[Path]:
    """Outputs of a stage that are hard links into DVC's cache."""
    kept = [project / out["path"] for out in stage.get("outs", [])]
    return [file for out in kept for file in ([out] if out.is_file() else out.rglob("*")) if file.is_file()]


def test_a_path_of_the_parameters_is_no_part_of_a_shell_command(project: Path, whole: Project, edits: Callable[..., None]) -> None:
    odd = "data/my weights; touch hacked $(touch hacked)"
    shutil.copytree(project / "data/tiny/judge", project / odd, dirs_exist_ok=True)
    shutil.copy(project / "data/tiny/judge.json", project / "data/how; touch hacked.json")
    edits(judges__odd={"backend": "transformers", "weights": odd, "needs": odd}, report__agreement="data/how; touch hacked.json")
    ran = whole.repro("zoo-judge@odd", "digest")
    assert {"zoo-judge@odd", "digest"} <= ran
    assert not (project / "hacked").exists()
    assert json.loads((project / "data/zoo/judges/odd.json").read_text("utf-8"))["needs"] == odd


def test_an_edit_of_a_rubric_of_ones_own_judges_anew(project: Path, whole: Project, edits: Callable[..., None]) -> None:
    mine = project / "data/rubrics/mine"
    shutil.copytree(project / "trig/judge/rubrics/brief", mine)
    edits(judge__rubrics="data/rubrics/mine")
    assert {"code", "judge@tiny"} <= whole.repro("judge@tiny")
    for file, ran in {"p2p/TA-C.txt": {"code"}, "t2i/TA-C.txt": {"code", "judge@tiny"}}.items():
        (mine / file).write_text(f"Indeed: {(mine / file).read_text('utf-8')}", "utf-8")
        assert whole.repro("judge@tiny") == ran, file


def test_a_name_that_could_leave_its_quotes_is_refused_before_any_command(
    project: Path, whole: Project, edits: Callable[..., None]
) -> None:
    edits(generate__roster=["tiny", "x'; touch hacked; '"])
    done = whole.run("dvc", "repro")
    assert done.returncode != 0 and "generate.roster.1" in done.stderr
    assert not (project / "hacked").exists()


def test_a_key_that_no_stage_reads_stops_the_pipeline_in_one_line(whole: Project, edits: Callable[..., None]) -> None:
    edits(gates__min_relation=1)
    done = whole.run("dvc", "repro")
    assert done.returncode != 0
    assert "error: params.yaml: gates.min_relation: unknown key; did you mean 'min_relations'?" in done.stderr.splitlines()


def test_who_tunes_nothing_has_no_stage_for_it(project: Path, whole: Project, edits: Callable[..., None]) -> None:
    edits(generate__roster=["tiny"])
    file = project / "params.yaml"
    said = yaml.safe_load(file.read_text("utf-8"))
    file.write_text(
        yaml.safe_dump({name: section for name, section in said.items() if name not in {"tunings", "finetune"}}, sort_keys=False)
    )
    ran = whole.repro()
    assert {"classify", "digest", "report"} <= ran and not any("tiny-dtm" in stage for stage in ran)


def changed(prompts: pl.DataFrame) -> pl.DataFrame:
    """Prompts table with another text in the first test prompt without a copy."""
    alone = prompts.filter((pl.col("split") == "test") & ~pl.col("key").is_duplicated())["data_id"][0]
    words = "a photo of a green ball in the snow"
    here = (pl.col("data_id") == alone) & (pl.col("split") == "test")
    return prompts.with_columns(
        prompt=pl.when(here).then(pl.lit(words)).otherwise("prompt"),
        key=pl.when(here).then(pl.lit(content_key(task="t2i", prompt=words, source_image=None))).otherwise("key"),
    )


def kept() -> dict[str, int]:
    """Pictures and answers in the work store."""
    with Store.open() as store:
        return {shelf: held.rows for shelf, held in store.size().items() if shelf in ("images", "shards", "answers")}
