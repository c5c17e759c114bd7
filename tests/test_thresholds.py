"""Threshold sweeps: verdicts equal the stage's; one-line errors."""

import re
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
import workplace
from lines import names
from typer.testing import CliRunner

from trig.classify.relations import relations
from trig.classify.samples import KEY, gather
from trig.classify.sweep import MOST, Axis, axis, counts, flips, possible, sweep
from trig.cli.main import app
from trig.errors import ParamsError
from trig.params.thresholds import Thresholds
from trig.tables.kinds import DIMENSION, RELATION
from trig.testing import factories

ROOT = Path(__file__).parents[1]
SCORES = pl.concat([factories.run_scores(model, factories.run_prompts(24)) for model in factories.MODELS])
SAMPLES = gather(SCORES, "expected", None)
LIMITS = factories.thresholds(bootstraps=0)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("synergy=0.6:0.9:0.1", (0.6, 0.7, 0.8, 0.9)),
        ("synergy=0.6:0.85:0.1", (0.6, 0.7, 0.8)),
        ("tilt_ratio=1.5:1.5:1", (1.5,)),
        ("min_points=5,20", (5, 20)),
        ("dispersion_corr=-0.2:0.2:0.2", (-0.2, 0.0, 0.2)),
    ],
)
def test_an_axis_is_read(text: str, values: tuple[float, ...]) -> None:
    assert axis(text) == Axis(text.partition("=")[0], values)


@pytest.mark.parametrize("text", ["synergy", "synergy=", "synergy=a:b:c", "synergy=0.6:0.9", "synergy=0.9:0.6:0.1", "synergy=0.6:0.9:0"])
def test_a_bad_axis_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ParamsError, match=names(text, "synergy=from:to:step", "synergy=value,value")):
        axis(text)


@pytest.mark.parametrize("text", ["synergy=nan", "synergy=0:inf:0.1", "synergy=0:1:1e-9", "fdr=0.01:0.1:0.01", "rule=paper"])
def test_an_impossible_axis_is_refused(text: str) -> None:
    with pytest.raises(ParamsError):
        axis(text)


@pytest.mark.parametrize(
    "texts",
    [
        ("synergy=0.6:0.9:0.1", "bottleneck=0.3,0.5"),
        ("tilt_ratio=1:2:0.25", "dispersion_corr=0,0.6"),
        ("min_points=3,25", "synergy_density=0.2,0.6"),
        ("bottleneck_density=0.2:0.8:0.2",),
    ],
)
@pytest.mark.parametrize("changes", [{}, {"rule": "reference", "correlation": "pearson"}])
def test_verdicts_are_those_of_the_stage(texts: tuple[str, ...], changes: dict[str, str]) -> None:
    limits = Thresholds.model_validate(LIMITS.model_dump() | changes)
    axes = [axis(text) for text in texts]
    names = [one.name for one in axes]
    for values, rows in sweep(SAMPLES, possible(limits, axes)[0]).group_by(names, maintain_order=True):
        setting = {name: int(value) if name == "min_points" else value for name, value in zip(names, values, strict=True)}
        want = relations(SCORES, Thresholds.model_validate(limits.model_dump() | setting))
        assert rows.select(*KEY, "relation", "leaning").equals(want.select(*KEY, "relation", "leaning"))


def test_impossible_and_too_many_settings_are_refused() -> None:
    with pytest.raises(ParamsError, match=names("thresholds", "bottleneck", "0.5", "synergy", "0.3")):
        possible(LIMITS, [axis("synergy=0.3,0.4")])
    with pytest.raises(ParamsError, match=names("thresholds.min_points", "2.5")):
        possible(LIMITS, [axis("min_points=2.5,3")])
    with pytest.raises(ParamsError, match="different"):
        possible(LIMITS, [axis("synergy=0.7,0.8")] * 2)
    with pytest.raises(ParamsError, match=names(2601, MOST)):
        possible(LIMITS, [axis("synergy=0.6:0.9:0.006"), axis("tilt_ratio=1:2:0.02")])


@pytest.mark.usefixtures("run")
def test_an_impossible_corner_is_left_out_and_told() -> None:
    able, wrong = possible(LIMITS, [axis("synergy=0.4:0.9:0.1"), axis("bottleneck=0.3:0.6:0.1")])
    assert len(able) + len(wrong) == 24
    assert {(values["synergy"], values["bottleneck"]) for values, _ in able} == {
        (synergy / 10, bottleneck / 10) for synergy in range(4, 10) for bottleneck in range(3, 7) if bottleneck < synergy
    }
    told = CliRunner().invoke(app, ["thresholds", "synergy=0.4,0.8"]).output
    assert "1 of 2 settings are impossible and left out: thresholds: bottleneck (0.5) must be below synergy (0.4)" in " ".join(told.split())


def test_a_tilt_that_turns_round_flips() -> None:
    turned = SAMPLES.keys.select(*KEY).head(1).with_columns(relation=pl.lit("tilt", RELATION), leaning=pl.lit("IQ-R", DIMENSION))
    first, other = (turned.with_columns(synergy=pl.lit(value)) for value in (0.6, 0.7))
    swept = pl.concat([first, other.with_columns(leaning=pl.lit("IQ-O", DIMENSION))])
    axes = [Axis("synergy", (0.6, 0.7))]
    assert [row[-1] for row in flips(swept, axes)] == ["tilt to IQ-R 0.6; tilt to IQ-O 0.7"]
    assert counts(swept, turned, axes)["kept"].to_list() == [1.0, 0.0]


def test_what_flips_and_what_is_kept() -> None:
    axes = [axis("synergy=0.6:0.9:0.05"), axis("tilt_ratio=1.2,1.5")]
    swept, now = sweep(SAMPLES, possible(LIMITS, axes)[0]), sweep(SAMPLES, [({}, LIMITS)])
    counted = counts(swept, now, axes)
    assert counted.select(pl.sum_horizontal(pl.col("^n_.*$"))).to_series().to_list() == [now.height] * 14
    assert counted.filter(synergy=0.8, tilt_ratio=1.5)["kept"].item() == 1.0
    changed = {
        (*key[:3], f"{key[3]:g}")
        for key, rows in swept.group_by(*KEY, "tilt_ratio")
        if any(one != other for one, other in pairwise(rows.sort("synergy").select("relation", "leaning").rows()))
    }
    told = flips(swept, axes)
    assert {row[:4] for row in told} == changed
    assert all(row[4].count(";") for row in told)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prompts and scores, which no test changes."""
    place = tmp_path_factory.mktemp("data")
    factories.write_run(place, rows=12)
    return place


@pytest.fixture
def run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Working folder with parameters, prompts and scores."""
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "params.yaml").write_text(workplace.plain((ROOT / "params.yaml").read_text("utf-8")), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_shows_counts_and_flips_and_writes_files(run: Path) -> None:
    asked = ["thresholds", "synergy=0.4:0.7:0.1", "bottleneck=0.2,0.3", "--out", "sweep.parquet"]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    assert said.output.split()[:2] == ["synergy", "bottleneck"]
    assert "relation along synergy" in said.output
    found = pl.read_parquet(run / "sweep.parquet")
    assert found.height == 8 * 3 * 42
    one = CliRunner().invoke(app, ["thresholds", "synergy=0.8", "--model", "tiny"])
    assert "No pair changes its relation along synergy." in one.output


@pytest.mark.parametrize("ending", ["png", "svg", "html"])
def test_the_plot_is_written(run: Path, ending: str) -> None:
    said = CliRunner().invoke(app, ["thresholds", "synergy=0.6:0.9:0.1", "bottleneck=0.3,0.5", "--plot", f"plot.{ending}"])
    assert said.exit_code == 0, said.output
    starts = {"png": b"\x89PNG", "svg": b"<svg", "html": b"\n<!DOCTYPE html>"}
    content = (run / f"plot.{ending}").read_bytes()
    assert content.startswith(starts[ending].strip()) or content.lstrip().startswith(starts[ending].strip())
    assert b"cdn.jsdelivr" not in content


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["synergie=0.6:0.9:0.1"], ("synergie=0.6:0.9:0.1", "'synergie'", "synergy")),
        (["synergy=0.3,0.4"], ("thresholds", "bottleneck", "0.5", "synergy", "0.3")),
        (["synergy=2:3:1"], ("thresholds.synergy", "2.0")),
        (["synergy=0.9", "--model", "gone"], ("--model", "'gone'", "generate.roster")),
        (["synergy=0.9", "--plot", "plot.pdf"], ("--plot", "plot.pdf", ".png", ".svg", ".html")),
        (["synergy=0.9", "--out", "sweep.csv"], ("--out", "sweep.csv", ".parquet")),
        (["synergy=0.9", "--scores", "gone"], ("gone/tiny.parquet", "'tiny'", "generate.roster")),
        (["synergy=0.9", "tilt_ratio=2", "min_points=3"], ("3 thresholds", "two")),
    ],
)
def test_what_is_wrong_is_one_line(run: Path, asked: list[str], says: Sequence[str]) -> None:
    failed = workplace.program("trig", "thresholds", *asked, cwd=run)
    assert failed.returncode == 2
    assert re.match(names(*says), failed.stderr)
