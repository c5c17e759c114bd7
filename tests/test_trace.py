"""`trig trace` on a run of the tiny world."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import verified
import workplace
from lines import names
from typer.testing import CliRunner

from trig import tables
from trig.cli.main import app
from trig.keys import content_key
from trig.tables.prompts import PROMPTS
from trig.tables.scores import SCORES

NAME = "TA-C_TA-S_1"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    place = tmp_path_factory.mktemp("run") / "place"
    place.mkdir()
    verified.run(place)
    return place


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    return Path("data")


def traced(*arguments: str) -> Any:
    done = CliRunner().invoke(app, ["trace", "--json", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def of_model(told: Any) -> Any:
    return next(prompt for prompt in told["prompts"] if prompt["split"] == "test")


def test_the_story_has_what_the_tables_have(here: Path) -> None:
    told = traced(NAME)
    prompt = of_model(told)
    asked = tables.read(here / "prompts.parquet", PROMPTS).filter(data_id=NAME, split="test").row(0, named=True)
    assert prompt["prompt"] == asked["prompt"] and list(prompt["sub_prompts"].values()) == asked["sub_prompts"]
    (picture,) = prompt["pictures"]
    row = pl.read_parquet(picture["file"]).row(picture["row"], named=True)
    assert {name: picture[name] for name in ("seed", "digest", "key", "data_id")} == {
        name: row[name] for name in ("seed", "digest", "key", "data_id")
    }
    assert {score["dimension"] for score in picture["scores"]} == {"TA-C", "TA-S"}
    for score in picture["scores"]:
        assert sum(score["p"].values()) == pytest.approx(1) and list(score["p"]) == ["Bad", "Medium", "Good"]
        assert score["judge"].startswith("tiny@") and content_key(rubric=score["rubric_text"]) == score["rubric"]
        stored = tables.read(here / "scores/tiny.parquet", SCORES).filter(data_id=NAME, dimension=score["dimension"])
        assert stored["score_trig"].to_list() == [score["score_trig"]]
    assert picture["relation"]["pair"] == "TA-C_TA-S" and picture["relation"]["n"] == 1
    assert told["gates"]["images/tiny"] is True and told["gates"]["relations"] is None
    assert told["tables"]["data/scores/tiny.parquet"]["made"]["code"] == "code of judge"


def test_weights_and_call_arguments_are_those_of_the_zoo(here: Path) -> None:
    zoo = here / "zoo"
    zoo.mkdir(exist_ok=True)
    (zoo / "tiny.json").write_text(json.dumps({"needs": "w", "revision": "abc", "weights": "base", "entry": {"steps": 2, "adapter": None}}))
    weights = of_model(traced(NAME))["pictures"][0]["weights"]
    assert weights == {"revision": "abc", "weights": "base", "entry": {"steps": 2}}
    shutil.rmtree(zoo)


def test_a_person_reads_it_too(here: Path) -> None:  # noqa: ARG001
    done = CliRunner().invoke(app, ["trace", NAME, "--model", "tiny", "--number", "0"], catch_exceptions=False)
    assert done.exit_code == 0
    for said in ("sub-prompt TA-S", "digest", "rubric", "relation TA-C_TA-S of tiny", "gates", "input images/tiny"):
        assert said in done.stdout


def test_without_pictures_it_says_where_they_are(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = of_model(traced(NAME))["pictures"][0]["seed"]
    shutil.copytree(here, tmp_path / "data", symlinks=True)
    shutil.rmtree(tmp_path / "data/images")
    shutil.copy("params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    (picture,) = of_model(traced(NAME))["pictures"]
    assert "dvc pull data/images/tiny" in picture["here"]
    assert picture["seed"] == seed and len(picture["scores"]) == 2
    for name in ("scores", "diagnostics"):
        shutil.rmtree(tmp_path / "data" / name)
    (tmp_path / "data/relations.parquet").unlink()
    (picture,) = of_model(traced(NAME))["pictures"]
    assert picture["scores"] == [] and picture["relation"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["TA-C_TA-S_11"], ("data/prompts.parquet", "TA-C_TA-S_11", NAME)),
        ([NAME, "--model", "flux"], ("--model", "flux", "tiny")),
        ([NAME, "--number", "1"], ("--number", "1", "seeds_per_prompt", "0")),
    ],
)
def test_what_is_not_there_is_one_line_with_what_is(arguments: list[str], said: tuple[str, ...], place: Path) -> None:
    failed = workplace.program("trig", "trace", *arguments, cwd=place)
    assert failed.returncode == 2 and len(failed.stderr.splitlines()) == 1
    assert re.match(names(*said), failed.stderr)


def test_a_training_prompt_has_no_picture(here: Path) -> None:
    trained = tables.read(here / "prompts.parquet", PROMPTS).filter(split="train")
    told = traced(trained["data_id"][0])
    assert all(prompt["pictures"] == [] for prompt in told["prompts"] if prompt["split"] == "train")
