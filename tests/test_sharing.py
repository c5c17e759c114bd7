"""Every recipe of docs/sharing.md, from a published run: an S3-compatible server, an OpenSSH server and a bare git repository."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forked
import polars as pl
import pytest
import workplace
import yaml
from recipes import RECIPES, TEXT, cook, ran, shell

from trig import params, tables
from trig.classify.inputs import roster_diagnosed
from trig.classify.relations import relations
from trig.tables.prompts import PROMPTS as ASKED
from trig.testing import remotes, servers, studio
from trig.testing.programs import end_in
from trig.testing.project import commit, copy

STUDY = {"params", "classify", "gate-relations", "report"}
"""Stages that a threshold reaches."""
INSTALL = ".venv/bin/uv pip install --python .venv/bin/python --constraint constraints.txt --editable '.[s3]'\n"
"""The only block of the page that no test runs: the tests have it."""
ADDRESS, ENDPOINT = "s3://bucket/trig", "https://s3.example.org"
PROMPTS = "data/prompts.parquet"
SLOW = {"steps: 50": "call: {quality: high}"}
"""The painter of these tests is an image API, which has no steps."""


@dataclass(frozen=True)
class World:
    """The author's project, where it is published, and how programs run."""

    author: Path
    git: Path
    programs: Path
    keys: dict[str, str]
    said: str  # by the recipes that published it

    def shell(self, commands: str, place: Path) -> str:
        """Runs shell commands in a clone."""
        return shell(commands, place, self.programs, **self.keys)

    def cook(self, name: str, place: Path, **instead: str) -> str:
        """Runs a recipe in a clone."""
        return cook(name, place, self.programs, instead, **self.keys)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A run of one model, published; painter and judge are stubs behind APIs."""
    home = tmp_path_factory.mktemp("sharing")
    author, bare = home / "author", home / "published.git"
    author.mkdir()
    copy(author)
    lighter(author)
    with (
        servers.running(servers.Stub()) as judge,
        servers.running(studio.Studio()) as painter,
        remotes.s3(home) as bucket,
    ):
        programs = forked.programs(workplace.environment)
        settle(author, f"{painter}/v1", f"{judge}/v1")
        commit(author, "Begin")
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)
        subprocess.run(["git", "branch", "--quiet", "--move", "main"], cwd=author, check=True)
        subprocess.run(["git", "remote", "add", "origin", bare], cwd=author, check=True)
        told = cook("remote", author, programs, {ADDRESS: f"s3://{bucket.name}/trig", ENDPOINT: bucket.endpoint})
        told += cook("publish", author, programs, {}, **bucket.keys)
        yield World(author, bare, programs, bucket.keys, told)


def lighter(place: Path) -> None:
    """Empties what no stage of these runs reads: each of some forty clones and experiments would compress it for git anew."""
    for weights in (place / workplace.WEIGHTS).rglob("*.safetensors"):
        weights.write_bytes((2).to_bytes(8, "little") + b"{}")
    for folder in ("benchmarks", "docs", "tests"):
        shutil.rmtree(place / folder)


def settle(place: Path, painter: str, judge: str) -> None:
    """Two prompts of each pair, painted and judged by the stubs, and thresholds at which their scores differ."""
    api = {"backend": "openai", "endpoints": [painter], "model": "stub", "needs": "data/tiny/painter", "width": 16, "height": 16}
    served = {"backend": "openai", "endpoints": [judge], "model": "stub", "needs": "data/tiny/judge", "key": None, "price": None}
    workplace.edit(
        place,
        annotate__tasks=["t2i"],
        annotate__per_subset=2,
        annotate__train_per_subset=1,
        models={"tiny": api},
        generate__roster=["tiny"],
        judges={"stub": {**served, "concurrency": 32, "timeout": 60.0, "retries": 6}},
        judge__name="stub",
        tunings={},
        thresholds__min_points=1,
        thresholds__bootstraps=20,
        thresholds__synergy=0.3,
        thresholds__bottleneck=0.2,
        report__pictures_per_pair=1,
    )


@pytest.fixture
def clone(world: World, tmp_path: Path) -> Iterator[Path]:
    """A fresh clone, in which nothing is pulled."""
    subprocess.run(["git", "clone", "--quiet", world.git, tmp_path / "clone"], check=True)
    yield tmp_path / "clone"
    end_in(tmp_path)


def pictures(place: Path) -> int:
    return len(list((place / "data/images").rglob("*.parquet")))


def test_what_is_published_is_on_both_servers(world: World) -> None:
    assert "generate@tiny" in ran(world.said) and "files pushed" in world.said
    assert "Everything is up to date." in world.shell("dvc push", world.author)
    assert "main" in subprocess.check_output(["git", "branch"], cwd=world.git, text=True)


def test_the_story_of_a_picture_names_the_commit_that_has_its_results(world: World) -> None:
    told = json.loads(world.shell("trig trace TA-C_TA-S_1 --json", world.author))
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=world.author, text=True).strip()
    assert told["git"]["commit"] == told["git"]["locked"] == head


def test_every_block_of_the_page_is_a_recipe() -> None:
    blocks = re.findall(r"(<!-- recipe: \w+ -->\n)?```bash\n(.+?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert [block for name, block in blocks if not name] == [INSTALL]


def test_results_are_looked_at_without_the_pictures(world: World, clone: Path) -> None:
    told = world.cook("look", clone)
    assert (clone / "reports/index.html").read_bytes() == (world.author / "reports/index.html").read_bytes()
    assert "reports/metrics.json" in told and not ran(told) and not (clone / "data/images").exists()


def test_results_are_verified_without_pulling_any(world: World, clone: Path) -> None:
    assert "Data and pipelines are up to date." in world.cook("verify", clone)
    workplace.edit(clone, thresholds__synergy=0.5)
    told = world.shell(f"{RECIPES['verify'].strip()} || true", clone)  # an error, as inputs of what would run are not here
    assert "params" in ran(told) and "up to date" not in told


def test_thresholds_are_studied_from_scores_alone_exchanged_and_changed_back(world: World, clone: Path, tmp_path: Path) -> None:
    told = world.cook("thresholds", clone)
    assert ran(told) == STUDY and "lower" in told and not pictures(clone)
    before, after = (json.loads((place / "reports/metrics.json").read_text("utf-8")) for place in (world.author, clone))
    assert before["models"]["tiny"]["relations"] != after["models"]["tiny"]["relations"]
    push, pull, apply = RECIPES["exchange"].splitlines()
    world.shell(push, clone)
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "--quiet", world.git, other], check=True)
    world.shell(f"{pull}\n{apply}", other)
    assert (other / "reports/metrics.json").read_bytes() == (clone / "reports/metrics.json").read_bytes()
    world.shell("dvc exp remove --git-remote origin lower", clone)
    run = "dvc exp run --allow-missing -S thresholds.synergy="
    assert ran(world.shell(f"{run}0.3", clone)) == STUDY
    assert tables_of(clone) == tables_of(world.author) and outs_of(clone) == outs_of(world.author)
    assert not ran(world.shell(f"{run}0.7", clone)) - {"params", "report"}  # all that DVC caches
    assert tables_of(clone) == tables_of(other)


def test_a_model_is_added_to_somebodys_run_and_an_old_version_restored(world: World, clone: Path) -> None:
    told = world.cook("model", clone, **SLOW)
    assert {stage for stage in ran(told) if "@" in stage} == {
        f"{stage}@slow" for stage in ("zoo", "generate", "gate-images", "judge", "gate-scores")
    }
    page = (clone / "reports/index.html").read_bytes()
    assert b"slow" in page and (clone / "reports/gates/scores/slow.html").exists()
    world.shell("dvc exp run -S 'generate.roster=[tiny]' -S '~models.slow'", clone)
    assert ghosts(clone, "slow") == []
    world.shell("git checkout --quiet . && dvc checkout --quiet", clone)
    world.cook("restore", clone)
    assert (clone / "reports/index.html").read_bytes() == (world.author / "reports/index.html").read_bytes() != page
    assert "slow" not in {file.stem for file in (clone / "data/scores").iterdir()}
    world.shell("git checkout --quiet slow\ndvc checkout", clone)
    assert (clone / "reports/index.html").read_bytes() == page and "up to date" in world.shell("dvc repro", clone)


def ghosts(place: Path, model: str) -> list[str]:
    """Results that still name a model, by file name or in their text; `dvc.lock` may."""
    found = [
        path for folder in ("data", "reports") for path in (place / folder).rglob("*") if path.is_file() and "tiny/" not in path.as_posix()
    ]
    texts = [path for path in found if path.suffix in {".html", ".json", ".csv", ".md"}]
    return [path.name for path in found if model in path.as_posix()] + [path.name for path in texts if model in path.read_text("utf-8")]


def test_a_bare_run_on_an_empty_clone_is_announced_with_its_cost(world: World, clone: Path) -> None:
    told = [world.shell(command, clone) for command in ("trig doctor --plan", "dvc repro params")]
    assert all("15 of 15 stages" in said and "84 pictures" in said and "168 questions" in said and "'store'" in said for said in told)


def test_a_stage_whose_results_could_be_pulled_says_so_and_one_that_has_changed_does_not(world: World, clone: Path) -> None:
    """Where all but pictures is pulled, no stage before `generate` has changed."""
    world.shell(RECIPES["thresholds"].splitlines()[0], clone)
    told = world.shell("dvc repro generate@tiny", clone)
    assert ran(told) == {"generate@tiny"} and "note: generate@tiny" in told and "`dvc pull generate@tiny`" in told and "'store'" in told
    workplace.edit(clone, models__tiny__width=32)
    told = world.shell("dvc repro generate@tiny", clone)
    assert "generate@tiny" in ran(told) and "note: generate@tiny" not in told


def test_a_pull_request_is_checked_as_the_workflow_does(world: World, clone: Path) -> None:
    jobs = yaml.safe_load(re.findall(r"```yaml\n(.+?)```", (workplace.ROOT / "docs/ci.md").read_text("utf-8"), re.DOTALL)[0])["jobs"]
    steps = {step["name"]: step["run"] for step in jobs["compare"]["steps"] if "name" in step}
    asked = ("The published results belong to this code", "Pull the tables of both sides", "Nothing got worse")
    told = world.shell("\n".join(steps[name] for name in asked), clone)
    assert "0 of 10 means fell by 0.02 or more" in told and not pictures(clone)
    assert "**Not worse.**" in (clone / "comment.md").read_text("utf-8")


def test_results_go_over_ssh(world: World, clone: Path, tmp_path: Path) -> None:
    if not remotes.SSHD:
        pytest.skip("sshd is not installed (apt-get install openssh-server)")
    with remotes.ssh(tmp_path) as shell:
        said = f"dvc remote add --default far ssh://{shell.user}@127.0.0.1:{shell.port}{tmp_path / 'far'}\ndvc remote modify far keyfile {shell.key}\n"
        assert "files pushed" in world.shell(f"{said}dvc push\ngit checkout --quiet .dvc", world.author)
        world.shell(f"{said}dvc pull report", clone)
    assert (clone / "reports/index.html").read_bytes() == (world.author / "reports/index.html").read_bytes()


def test_queued_experiments_all_end_and_are_all_right(world: World, clone: Path) -> None:
    """Three thresholds, two workers; then one of them is undone, and a parameter is changed and changed back."""
    pull, *_ = RECIPES["thresholds"].splitlines()
    queue, start, status, show = RECIPES["queue"].splitlines()
    world.shell(f"{pull}\n{queue}\n{start}", clone)
    while any(word in (told := world.shell(status, clone)) for word in ("Queued", "Running")):
        time.sleep(1)
    assert told.count("Success") == 3
    columns = world.shell(f"{show.partition('#')[0]} --csv", clone).splitlines()
    head = next(line for line in columns if line.startswith("Experiment,")).split(",")
    assert {"thresholds.synergy", "models.tiny.relations.synergy"} <= set(head) and not [
        name for name in head if ".pairs." in name or ".parquet" in name
    ]
    rows = [dict(zip(head, line.split(","), strict=True)) for line in columns if ",Success," in line]
    scores = roster_diagnosed(
        world.author / "data/scores", world.author / "data/diagnostics", ["tiny"], tables.read(clone / PROMPTS, ASKED)
    )
    said = params.load(clone / "params.yaml").thresholds
    for row in rows:
        found = relations(scores, said.model_copy(update={"synergy": float(row["thresholds.synergy"]), "bootstraps": 0}))
        assert int(float(row["models.tiny.relations.synergy"])) == found.filter(pl.col("relation") == "synergy").height
    assert sorted(row["thresholds.synergy"] for row in rows) == ["0.6", "0.7", "0.75"]
    whole = world.shell("dvc exp show --csv", clone).splitlines()
    columns_of = next(line for line in whole if line.startswith("Experiment,")).split(",")
    for column in ("models.tiny.dimensions.", "models.tiny.evidence.", "models.tiny.nulls", "data/gates/relations.json:met"):
        assert [name for name in columns_of if column in name], (column, columns_of)
    one, synergies = rows[0]["Experiment"], int(float(rows[0]["models.tiny.relations.synergy"]))
    world.shell(f"dvc exp branch {one} study", clone)
    changed = json.loads(world.shell("dvc metrics diff --json main study", clone))["reports/metrics.json"]
    assert changed["models.tiny.relations.synergy"]["new"] == synergies
    world.shell("dvc plots diff main study", clone)
    assert {f"{side}_reports_map.png" for side in ("main", "study")} <= {file.name for file in (clone / "dvc_plots/static").iterdir()}
    world.shell(f"dvc exp remove {one}", clone)
    assert one not in world.shell("dvc exp list", clone) and "study" in world.shell("git branch", clone)


def outs_of(place: Path) -> dict[str, Any]:
    """Hashes of all results, of each stage; params.yaml itself, a dependency, is written in DVC's form by then."""
    locked = yaml.safe_load((place / "dvc.lock").read_text("utf-8"))["stages"]
    return {stage: said["outs"] for stage, said in locked.items()}


def tables_of(place: Path) -> dict[str, bytes]:
    """Results that thresholds reach."""
    return {name: (place / name).read_bytes() for name in ("data/relations.parquet", "reports/metrics.json", "reports/relations.csv")}
