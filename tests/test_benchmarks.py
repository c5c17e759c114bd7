"""Benchmarks: output, exit codes, and memory of the process tree."""

import json
import os
from pathlib import Path

import forked
import polars as pl
import pytest
import workplace

from benchmarks import full, invented, losses
from benchmarks.__main__ import ROWS, row
from trig import params, tables
from trig.classify.inputs import roster_diagnosed
from trig.classify.relations import relations
from trig.classify.samples import roots
from trig.gates import gate, images, prompts, scores
from trig.params.finetune import GIVES, TAKES
from trig.store import Store
from trig.tables.diagnostics import DIAGNOSTICS
from trig.tables.funnel import Funnel
from trig.tables.prompts import PROMPTS
from trig.tables.rejected import REJECTED
from trig.tables.scores import SCORES
from trig.testing import browser, programs
from trig.testing.project import Project, fresh
from trig.vocabulary.dimensions import SUBSETS
from trig.vocabulary.relations import Relation

EATER = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; held = bytearray(300_000_000); time.sleep(1)'], check=True)"
MEASURE = f"import sys; from trig.testing.programs import run; print(run(sys.executable, '-c', {EATER!r}).peak)"


def finished(folder: Path, base: dict[str, str], turbo: dict[str, str]) -> Path:
    """Run folder that holds metrics only: the relation of each pair for two models."""
    found = {"tiny": base, "tiny-turbo": turbo}
    models = {
        model: {"relations": {name: list(pairs.values()).count(name) for name in ("synergy", "tilt", "none")}, "pairs": {"t2i": pairs}}
        for model, pairs in found.items()
    }
    (folder / "reports").mkdir()
    (folder / "reports/metrics.json").write_text(json.dumps({"models": models}), "utf-8")
    return folder


@pytest.mark.parametrize(("turbo", "code", "met"), [("synergy", 0, ["yes", "yes"]), ("none", 1, ["yes", "NO"])])
def test_a_row_prints_its_figures_and_a_missed_bar_is_exit_code_1(turbo: str, code: int, met: list[str], tmp_path: Path) -> None:
    base = {"IQ-R_TA-C": "synergy", "IQ-R_TA-S": "tilt", "TA-C_TA-S": "none"}
    folder = finished(tmp_path, base, base | {"TA-C_TA-S": turbo})
    printed = workplace.python("-m", "benchmarks", "map", "--run", str(folder), cwd=workplace.ROOT)
    machine, heads, *rows = printed.stdout.splitlines()
    assert printed.returncode == code, printed.stderr
    assert "cores, torch" in machine and heads.split() == ["bar", "measured", "wanted", "met"]
    assert [row.split()[-1] for row in rows] == met


def test_an_unknown_row_names_the_known_ones() -> None:
    failed = workplace.python("-m", "benchmarks", "speed", cwd=workplace.ROOT)
    assert failed.returncode == 2
    assert "'speed' is no row; choose from score, sharing, serving, memory, relations, evidence, full," in failed.stderr


def test_every_row_is_there() -> None:
    assert all(callable(row(name)) for name in ROWS)


def test_memory_counts_what_a_program_starts() -> None:
    assert 300e6 < int(workplace.python("-c", MEASURE, cwd=workplace.ROOT).stdout) < 400e6


ROSTER = ("one", "another")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic run with a tenth of the published prompts."""
    place = tmp_path_factory.mktemp("invented")
    invented.write(place, ROSTER, 0.1)
    return place / "data"


def test_an_invented_run_passes_the_gates(run: Path, tmp_path: Path) -> None:
    asked, limits = tables.read(run / "prompts.parquet", PROMPTS), params.load().gates
    rejected = pl.DataFrame(schema=dict(REJECTED.columns))
    scored, told = tables.read(run / "scores/one.parquet", SCORES), tables.read(run / "diagnostics/one.parquet", DIAGNOSTICS)
    views = {
        "prompts": lambda: prompts.views(
            asked, rejected, Funnel(subsets=()), dict.fromkeys(((*each, "test") for each in SUBSETS), 30), 40, 0.9
        )[:1],
        "images": lambda: images.views(asked, run / "images/one", "one", 1, 0.0, Store.passing()),
        "scores": lambda: scores.views(asked, scored, told, "one", 1, limits.max_null_share),
    }
    for table, looked in views.items():
        gate(table, looked, tmp_path / f"{table}.json", tmp_path / f"{table}.html")


def test_an_invented_run_shows_every_relation_and_has_copies_and_nulls(run: Path) -> None:
    asked = tables.read(run / "prompts.parquet", PROMPTS)
    judged = roster_diagnosed(run / "scores", run / "diagnostics", ROSTER, asked)
    found = relations(judged, params.load().thresholds.model_copy(update={"bootstraps": 0}), roots(asked))
    assert found.height == len(ROSTER) * len(SUBSETS)
    assert set(found["relation"]) >= {Relation.SYNERGY, Relation.BOTTLENECK, Relation.TILT, Relation.DISPERSION}
    assert asked["key"].n_unique() < asked.height and (found["clusters"] < found["n"]).any()
    assert 0 < judged["score_trig"].null_count() < 0.02 * judged.height
    assert judged["key"].n_unique() < judged.height == 2 * len(ROSTER) * asked.height
    assert judged.group_by("model", "key").agg(pl.col("score_trig").n_unique())["score_trig"].max() == 1


def test_an_invented_run_is_the_same_each_time(run: Path, tmp_path: Path) -> None:
    invented.write(tmp_path, ROSTER[:1], 0.1)
    made = list((tmp_path / "data").rglob("*.parquet"))
    assert len(made) == 1 + 1 + 1 + 2 + len(SUBSETS) + len(tables.shards(run / "sources"))
    assert all(file.read_bytes() == (run / file.relative_to(tmp_path / "data")).read_bytes() for file in made)


def few_pictures() -> Path:
    """Fresh copy of the project whose report shows one picture per pair and model."""
    place = fresh()
    full.edit(place, report={"pictures_per_pair": 1})
    return place


def test_the_full_size_rows_on_a_small_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full, "MODELS", 4)
    monkeypatch.setattr(full, "SHARE", 0.05)
    monkeypatch.setattr(full, "fresh", few_pictures)
    forks = forked.programs(workplace.environment)
    monkeypatch.setattr(full, "DVC", (str(forks / "dvc"),))
    monkeypatch.setitem(programs.SETTINGS, "PATH", f"{forks}{os.pathsep}{programs.SETTINGS['PATH']}")
    bars = list(full.full(Project()))
    assert "4 × 2,010 samples" in bars[0].what
    assert [bar.measured == browser.MISSING for bar in bars if "Chromium" in bar.what] == [not browser.INSTALLED]
    assert (bars[-1].measured, bars[-1].met) == ("classify, gate-relations, params, report", True)


def test_each_objective_is_measured_on_lessons_that_it_takes() -> None:
    assert losses.WAYS.keys() == TAKES.keys() - {"ddpo"}, (
        "name its policy and learning rate in WAYS of benchmarks/losses.py (ddpo is for UNets, and the tiny painter is none)"
    )
    assert all(TAKES[loss] in GIVES[policy] for loss, (policy, _) in losses.WAYS.items())
