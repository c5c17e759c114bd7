"""Classify, digest and report as programs: outputs, and one-line errors for bad inputs."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest
import workplace

from trig import params, tables
from trig.classify import resampling
from trig.classify.inputs import roster_diagnosed
from trig.classify.relations import relations
from trig.classify.samples import points, roots
from trig.store import Store
from trig.tables.figures import DIVERSITY
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS
from trig.tables.resamples import RESAMPLES
from trig.tables.scores import SCORES
from trig.testing import factories

ROOT = Path(__file__).parent.parent
CARD = {"base": "tiny", "pairs": ["IQ-R_TA-S"], "steps": 120}


def stage(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a stage in the folder, with the project's parameters and the synthetic models."""
    shutil.copy(ROOT / "params.yaml", folder)
    workplace.edit(folder, generate__roster=list(factories.MODELS), report__agreement="judge.json")
    return workplace.program("python", "-m", f"stages.{name}", *arguments, cwd=folder)


def classify(folder: Path) -> subprocess.CompletedProcess[str]:
    return stage("classify", folder, "prompts.parquet", "scores", "diagnostics", "relations.parquet")


def digest(folder: Path) -> subprocess.CompletedProcess[str]:
    read = ("prompts.parquet", "sources", "images", "scores", "diagnostics", "figures", "proof", "zoo")
    return stage("digest", folder, *read, "digest", "reports")


def report(folder: Path) -> subprocess.CompletedProcess[str]:
    return stage("report", folder, "digest", "relations.parquet", "gates", "reports")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished run: three models, 42 pairs, 12 prompts each."""
    folder = tmp_path_factory.mktemp("run")
    factories.write_run(folder, rows=12)
    (folder / "zoo").mkdir()
    for model in factories.MODELS:
        (folder / "zoo" / f"{model}.json").write_text(json.dumps({"tuning": CARD} if model == "tiny-dtm" else {}))
    for name, table in (("eye", SCORES), ("diversity", DIVERSITY)):
        tables.write(pl.DataFrame(schema=dict(table.columns)), table, folder / "proof" / "tiny-dtm" / f"{name}.parquet")
    (folder / "gates").mkdir()
    (folder / "gates" / "prompts.json").write_text('{"met": true, "expectations": 4, "failed": 0, "failures": {}, "notes": []}')
    (folder / "judge.json").write_text('{"judge": "another", "against": "the truth", "dimensions": []}')
    assert classify(folder).returncode == 0
    return folder


def test_the_stages_leave_a_report(run: Path) -> None:
    found = tables.read(run / "relations.parquet", RELATIONS)
    assert found.height == 3 * 42
    gathered = digest(run)
    assert (gathered.returncode, gathered.stdout) == (0, ""), gathered.stderr
    assert re.search(r"^pictures: 126 of 126( \(.+/s\))?$", gathered.stderr, re.MULTILINE)
    first = report(run)
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    files = {file.name: file.read_bytes() for file in (run / "reports").rglob("*.*")}
    assert sorted(files) == [
        "about.txt",
        "dimensions.png",
        "fronts.png",
        "index.html",
        "map.png",
        "metrics.json",
        "relations.csv",
        "summary.md",
    ]
    metrics = json.loads(files["metrics.json"])
    assert sum(metrics["models"]["tiny"]["relations"].values()) == 42
    assert digest(run).returncode == report(run).returncode == 0
    assert files == {file.name: file.read_bytes() for file in (run / "reports").rglob("*.*")}


def test_a_scorer_without_diagnostics_has_a_map_and_a_report(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    prompts = tables.read(run / "prompts.parquet", PROMPTS)
    for model in factories.MODELS:
        factories.write_scores(folder, model, factories.undiagnosed(factories.run_scores(model, prompts)))
    for ended in (classify(folder), digest(folder), report(folder)):
        assert ended.returncode == 0, ended.stderr
    found, want = (tables.read(place / "relations.parquet", RELATIONS) for place in (folder, run))
    assert found["n"].equals(want["n"]) and found["off_mass"].null_count() == found.height
    facts = json.loads((folder / "digest" / "facts.json").read_text("utf-8"))["facts"]
    assert facts["versions"]["judge"] == "clip-score" and facts["modes"] == facts["histograms"]["confidence"] == []
    assert {(row["confidence_mean"], row["off_mass_95"]) for row in facts["diagnoses"]} == {(None, None)}


def test_a_model_without_diagnostics_is_one_line(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "diagnostics" / "tiny-turbo.parquet").unlink()
    for ended in (classify(folder), digest(folder)):
        assert ended.returncode == 2 and ended.stderr.count("\n") == 1
        assert ended.stderr.startswith(
            "error: diagnostics/tiny-turbo.parquet: there is no diagnostics table here; run the stage that writes it"
        )


def test_a_model_without_scores_is_one_line(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "scores" / "tiny-turbo.parquet").unlink()
    for ended in (classify(folder), digest(folder)):
        assert ended.returncode == 2
        assert ended.stderr.startswith("error: scores/tiny-turbo.parquet: 'tiny-turbo' is in generate.roster and has no scores")
        assert ended.stderr.count("\n") == 1


def test_a_map_of_other_scores_is_refused(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    fewer = factories.run_prompts(11)
    tables.write(fewer, PROMPTS, folder / "prompts.parquet")
    assert digest(folder).returncode == 0
    ended = report(folder)
    assert ended.returncode == 2
    assert ended.stderr == "error: relations.parquet: made from other scores or thresholds than those at hand; run `dvc repro report`\n"


def test_a_report_without_a_digest_is_one_line(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(folder / "digest", ignore_errors=True)
    ended = report(folder)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("error: digest/points.parquet: there is no points table here")


def test_what_a_digest_carries_spares_another_machine_the_resampling(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, settings = tables.read(run / "prompts.parquet", PROMPTS), params.load(run / "params.yaml").thresholds
    scores = roster_diagnosed(run / "scores", run / "diagnostics", factories.MODELS, asked)
    with Store.open(tmp_path / "here") as store:
        carried = resampling.carried(points(scores, settings.score), roots(asked), settings, map, store)
        wanted = relations(scores, settings, roots(asked), store=store)
    tables.write(carried, RESAMPLES, tmp_path / "resamples.parquet")
    monkeypatch.setattr(resampling, "resample", lambda *_: pytest.fail("resampled"))
    with Store.open(tmp_path / "there") as store:
        resampling.adopt(tmp_path / "none.parquet", store)
        resampling.adopt(tmp_path / "resamples.parquet", store)
        assert relations(scores, settings, roots(asked), store=store).equals(wanted)
    assert digest(run).returncode == 0
    left = tables.read(run / "digest" / "resamples.parquet", RESAMPLES)
    assert left.equals(carried)
