"""`trig compare`: two models, two revisions of a real git and DVC repository, published maps, errors."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import workplace
import yaml
from lines import names
from typer.testing import CliRunner

from trig import params, published, revision, tables
from trig.classify.compare import agreement, by_task, differing
from trig.classify.inputs import roster_diagnosed
from trig.classify.relations import relations
from trig.classify.samples import roots
from trig.cli.comparison import Comparison, Side, as_json, as_markdown, show
from trig.cli.main import app
from trig.errors import RevisionError
from trig.tables.kinds import RELATION, TASK
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS
from trig.tables.scores import SCORES
from trig.testing import factories

EVIL = "v1|<b>`@team`&_x_"
"""Hostile tag name that git permits."""
PER_MODEL = [f"data/{table}/{model}.parquet" for table in ("scores", "diagnostics") for model in factories.MODELS]
STAGE = {
    "cmd": "true",
    "deps": ["made"],
    "outs": [
        "data/prompts.parquet",
        "data/relations.parquet",
        *PER_MODEL,
    ],
}
WHO = {f"GIT_{role}_{what}": "test@localhost" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
SHIFTED = "IQ-R_TA-S"


def settle(place: Path, shift: float = 0.0) -> None:
    """Tables of a synthetic run; the tiny model's scores on one pair are shifted."""
    factories.write_run(place / "data", rows=16)
    path = place / "data/scores/tiny.parquet"
    scores = tables.read(path, SCORES)
    moved = pl.col("score_trig") + pl.when(pl.col("pair") == SHIFTED).then(shift).otherwise(0.0)
    tables.write(scores.with_columns(score_trig=moved), SCORES, path)
    settings = params.load(place / "params.yaml")
    prompts = tables.read(place / "data/prompts.parquet", PROMPTS)
    judged = roster_diagnosed(place / "data/scores", place / "data/diagnostics", settings.generate.roster, prompts)
    tables.write(relations(judged, settings.thresholds, roots(prompts)), RELATIONS, place / "data/relations.parquet")


def git(place: Path, *arguments: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=place, capture_output=True, text=True, check=False, env=workplace.environment(**WHO))
    assert done.returncode == 0, done.stderr


def dvc(place: Path, *arguments: str) -> None:
    told = workplace.program("dvc", *arguments, cwd=place, **WHO)
    assert told.returncode == 0, told.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Repository with three states: the commit tagged `EVIL`, the experiment `study`, and the workspace, in which one pair has lower scores."""
    place = tmp_path_factory.mktemp("project")
    shutil.copy(workplace.ROOT / "params.yaml", place)
    workplace.edit(place, generate__roster=list(factories.MODELS), thresholds__bootstraps=100, thresholds__permutations=20)
    (place / "dvc.yaml").write_text(json.dumps({"stages": {"make": STAGE}}), "utf-8")
    (place / "made").write_text("first", "utf-8")
    (place / ".gitignore").write_text("/data/\n", "utf-8")
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "commit", "--quiet", "--allow-empty", "--message=before anything ran")
    dvc(place, "init", "--quiet")
    settle(place)
    dvc(place, "commit", "--quiet", "--force")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message=first")
    git(place, "tag", EVIL)
    workplace.edit(place, seed=7, thresholds__tilt_ratio=1.6)
    settle(place, -0.1)
    dvc(place, "commit", "--quiet", "--force")
    dvc(place, "exp", "save", "--name", "study")
    settle(place, -0.2)
    return place


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project)
    return project


def said(*asked: str) -> str:
    found = CliRunner().invoke(app, ["compare", *asked])
    assert found.exit_code == 0, found.output + repr(found.exception)
    return found.output


def changed(told: dict[str, list[dict[str, object]]]) -> dict[object, object]:
    """Changed pairs, with the change of their first dimension."""
    return {row["pair"]: row["x"] for row in told["changes"] if row["change"] == "changed"}


@pytest.mark.usefixtures("here")
def test_two_models_of_a_run() -> None:
    text = said("tiny", "tiny-turbo")
    assert text.splitlines()[:2] == ["A  tiny", "B  tiny-turbo"]
    for part in (
        "equal relations",
        "Cohen's kappa",
        "Groups of A",
        "Bottleneck (i): ",
        "Pairs whose verdicts differ",
        " of 42 pairs changed",
    ):
        assert part in text
    told = json.loads(said("tiny", "tiny-turbo", "--json"))
    assert told["agreement"]["pairs"] == len(told["changes"]) == 42
    assert len(told["differing"]) == 42 - told["agreement"]["equal"] + told["agreement"]["turned"]
    assert told["notes"] == []


@pytest.mark.usefixtures("here")
def test_a_model_agrees_with_itself() -> None:
    told = json.loads(said("tiny-dtm", "tiny-dtm", "--json"))
    assert (told["agreement"]["share"], told["agreement"]["kappa"], told["differing"], changed(told)) == (1.0, 1.0, [], {})
    assert said("tiny-dtm", "tiny-dtm", "--markdown", "-").count("\nNone.\n") == 2


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("rev", "shift"), [(EVIL, -0.2), ("main", -0.2), ("study", -0.1)])
def test_a_revision_and_an_experiment_are_read_from_the_cache(rev: str, shift: float) -> None:
    told = json.loads(said("tiny", "--rev", rev, "--json"))
    assert told["a"]["label"].startswith(f"tiny at {rev} (") and told["b"]["label"] == "tiny"
    assert changed(told) == {SHIFTED: pytest.approx(shift)}
    assert any("seeds differ" in note for note in told["notes"]) == (rev != "study")
    assert any("thresholds differ: tilt_ratio 1.5 and 1.6" in note for note in told["notes"]) == (rev != "study")
    other = json.loads(said("tiny-turbo", "tiny-dtm", "--rev", rev, "--json"))
    assert (other["a"]["model"], other["b"]["model"]) == ("tiny-turbo", "tiny-dtm")


def test_the_agreement_on_each_task_is_told_where_there_are_several(capsys: pytest.CaptureFixture[str]) -> None:
    one = published.relations_of("published:flux")
    frame = pl.concat([one, one.with_columns(task=pl.lit("p2p", TASK), relation=pl.lit("none", RELATION))])
    side = Side("flux", "published:flux", frame, None, {})
    for tasks in (1, 2):
        agreed = dict(list(by_task(frame, frame).items())[:tasks])
        found = Comparison(side, side, agreement(frame, frame), agreed, differing(frame, frame), None, 0.05, ())
        show(found)
        for text in (capsys.readouterr().out, as_markdown(found)):
            assert len(re.findall(r"p2p\W+42\W+42 \(100%\)\W+none\W+1.00", text)) == tasks - 1
        as_json(found)
        assert list(json.loads(capsys.readouterr().out)["agreement_by_task"]) == ["t2i", "p2p"][:tasks]


def test_a_published_map_is_compared_and_nothing_is_tested(here: Path) -> None:
    told = json.loads(said("tiny", "published:flux", "--json"))
    assert (told["agreement"]["pairs"], told["changes"]) == (42, None)
    assert all(row["stability_b"] is None for row in told["differing"])
    assert "published:flux, published (arXiv 2507.22100)" in said("published:janus", "published:flux")
    assert set(tables.read(here / "data/relations.parquet", RELATIONS)["model"]) == set(factories.MODELS)


@pytest.mark.usefixtures("here")
def test_markdown_takes_no_markup_from_a_name() -> None:
    text = said("tiny", "--rev", EVIL, "--markdown", "-")
    assert text.startswith("### The map from <code>tiny at v1&#124;&#60;b&#62;&#96;&#64;team")
    assert "<b>" not in text and "@team" not in text and EVIL not in text
    assert f"\n| t2i | {SHIFTED} | 1" in text and "1 of 42 pairs changed" in text
    assert text.count("<details>") == text.count("</details>") == 1


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("asked", "code"), [("worse", 0), ("worse:pair", 1), (f"worse:{SHIFTED}", 1), ("worse:D-K", 0)])
def test_a_check_fails_on_a_change_for_the_worse_and_leaves_a_comment(asked: str, code: int, tmp_path: Path) -> None:
    """Sixteen samples of one pair fell by 0.2 on both dimensions, of 144 of each."""
    comment = tmp_path / "comment.md"
    command = ["compare", "tiny", "--rev", "main", "--fail-on", asked, "--by", "0.05", "--markdown", str(comment), "--json"]
    found = CliRunner().invoke(app, command)
    told = json.loads(found.stdout)["worse"]
    assert (found.exit_code, told["fails"]) == (code, bool(code))
    assert [row["pair"] for row in told["rows"] if row["worse"]] == [SHIFTED, SHIFTED] * code
    text = comment.read_text("utf-8")
    assert f"**{'Worse' if code else 'Not worse'}.** {2 * code} of " in text and text.count("| worse |") == 2 * code


@pytest.mark.usefixtures("here")
def test_two_models_are_checked_as_two_states_are() -> None:
    """Such as a base and its quantised weights; what fell from one to the other rose from the other to the one."""
    asked = ("--fail-on", "worse", "--by", "0.0")
    found = [CliRunner().invoke(app, ["compare", *models, *asked]).exit_code for models in (("tiny", "tiny-dtm"), ("tiny-dtm", "tiny"))]
    assert sorted(found) == [0, 1]


@pytest.mark.usefixtures("here")
def test_a_check_of_what_rose_passes_and_shows_its_tests() -> None:
    shown = said("tiny", "tiny", "--fail-on", "worse").splitlines()
    assert "0 of 10 means fell (q at most 0.05 over these 10 tests): passes." in shown


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["tiny"], ("compare", "--rev")),
        (["tiny", "tiny-dtm", "--fail-on", "better"], ("--fail-on", "'better'", "worse:TA-C")),
        (["tiny", "tiny-dtm", "--fail-on", "worse:TA-X"], ("dimension", "'TA-X'", "TA-C")),
        (["tiny", "published:flux", "--fail-on", "worse"], ("--fail-on", "published", "--rev")),
        (["tiny", "flux"], ("compare", "'flux'", "generate.roster", "tiny")),
        (["tiny", "published:sana"], ("published:sana", "published:flux", "published:janus")),
        (["tiny", "tiny-dtm", "--json", "--markdown", "-"], ("--json", "--markdown")),
        (["published:flux", "--rev", "main"], ("--rev", "published:flux")),
        (["tiny", "--rev", "gone"], ("--rev", "'gone'")),
        (["tiny", "--rev", "--help"], ("--rev", "'--help'")),
        (["tiny", "--rev", ""], ("--rev", "''")),
        (["tiny", "--rev", "main~1"], ("--rev", "'main~1'", "dvc.lock", "dvc repro")),
        (["flux", "--rev", "main"], ("main:data/scores/flux.parquet", "data/scores/tiny-dtm.parquet")),
        (["tiny", "tiny-dtm", "--scores", "gone"], ("gone/tiny.parquet", "'tiny'", "generate.roster")),
    ],
)
def test_what_is_wrong_is_one_line(asked: Sequence[str], says: Sequence[str], project: Path) -> None:
    failed = workplace.program("trig", "compare", *asked, cwd=project)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert re.match(names(*says), failed.stderr)


def test_data_that_the_cache_lost_is_one_line(tmp_path: Path) -> None:
    empty = revision.Revision("main", "0" * 40, {"data/prompts.parquet": tmp_path / "kept"}, {})
    with pytest.raises(RevisionError, match=names("main:data/prompts.parquet", "git checkout 0000000000", "dvc pull")):
        empty.table(Path("data/prompts.parquet"), PROMPTS)
    (tmp_path / "kept").write_text("torn", "utf-8")
    with pytest.raises(RevisionError, match=names("main:data/prompts.parquet", "readable")):
        empty.table(Path("data/prompts.parquet"), PROMPTS)


def test_a_table_from_before_a_column_is_read_where_the_column_may_be_null(tmp_path: Path) -> None:
    prompts = factories.run_prompts(2)
    old = revision.Revision("old", "0" * 40, {name: tmp_path / name for name in ("item", "key")}, {})
    for column, place in old.outputs.items():
        prompts.drop(column).write_parquet(place)
    assert old.table(Path("item"), PROMPTS).equals(prompts)
    with pytest.raises(RevisionError, match=names("old:key", "'key'")):
        old.table(Path("key"), PROMPTS)


@pytest.mark.usefixtures("here")
def test_a_revision_before_there_were_diagnostics_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    known = revision.find("main", Path())
    earlier = replace(known, outputs={path: file for path, file in known.outputs.items() if "diagnostics" not in path})
    monkeypatch.setattr("trig.cli.compare.find", lambda *_: earlier)
    error = CliRunner().invoke(app, ["compare", "tiny", "--rev", "main"]).exception
    assert isinstance(error, RevisionError)
    assert re.match(names("main:data/diagnostics/tiny.parquet", "choose a later revision"), str(error))


@pytest.mark.usefixtures("here")
def test_scores_by_another_scorer_are_told(tmp_path: Path) -> None:
    prompts = tables.read(Path("data/prompts.parquet"), PROMPTS)
    for model in factories.MODELS:
        scored = factories.run_scores(model, prompts)
        factories.write_scores(tmp_path, model, factories.undiagnosed(scored) if model == "tiny" else scored)
    settings = params.load()
    judged = roster_diagnosed(tmp_path / "scores", tmp_path / "diagnostics", settings.generate.roster, prompts)
    tables.write(relations(judged, settings.thresholds, roots(prompts)), RELATIONS, tmp_path / "relations.parquet")
    places = {"scores": "scores", "diagnostics": "diagnostics", "relations": "relations.parquet"}
    notes = json.loads(said("tiny", "tiny-dtm", *(f"--{name}={tmp_path / place}" for name, place in places.items()), "--json"))["notes"]
    assert notes[0] == "The scores come from different judges: clip-score and factory@1."


def test_relations_of_other_scores_are_refused(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "data", tmp_path / "data")
    shutil.copy(project / "params.yaml", tmp_path)
    workplace.edit(tmp_path, thresholds__synergy=0.6)
    failed = workplace.program("trig", "compare", "tiny", "tiny-dtm", cwd=tmp_path)
    assert re.match(names("data/relations.parquet", "other scores"), failed.stderr)
    nowhere = workplace.program("trig", "compare", "tiny", "--rev", "main", cwd=tmp_path, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert nowhere.returncode == 2 and re.match(names("--rev", tmp_path.resolve(), "git"), nowhere.stderr)


@pytest.mark.usefixtures("here")
def test_a_map_of_scores_that_were_judged_again_is_told(project: Path) -> None:
    """Whoever judged and did not classify again has a lock in which the two do not belong together."""
    file = project / "dvc.lock"
    lock = file.read_text("utf-8")
    stages, first = yaml.safe_load(lock), subprocess.check_output(["git", "show", "main:dvc.lock"], cwd=project, text=True)
    before = {out["path"]: out["md5"] for out in yaml.safe_load(first)["stages"]["make"]["outs"]}["data/relations.parquet"]
    for out in stages["stages"]["make"]["outs"]:
        out["md5"] = before if out["path"] == "data/relations.parquet" else out["md5"]
    file.write_text(yaml.safe_dump(stages), "utf-8")
    git(project, "checkout", "--quiet", "-b", "judged")
    git(project, "commit", "--quiet", "--message=judged again", "dvc.lock")
    git(project, "checkout", "--quiet", "main")
    file.write_text(lock, "utf-8")
    notes = json.loads(said("tiny", "--rev", "judged", "--json"))["notes"]
    assert notes[0] == "At judged the map was made from other scores than those of that revision."
    assert not any("was made from other" in note for note in json.loads(said("tiny", "--rev", "study", "--json"))["notes"])
