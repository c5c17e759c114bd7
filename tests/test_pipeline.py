"""The whole pipeline on a few prompts, as DVC runs it: everything is made, nothing twice, and a change costs what it must."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
import workplace

from stages import generate, judge
from trig import params, tables
from trig.dimensions import Task, pairs
from trig.keys import content_key
from trig.store import Store

SMALL = {
    "annotate__per_subset": 2,
    "annotate__train_per_subset": 6,
    "models__tiny__steps": 2,
    "models__tiny-turbo__steps": 2,
    "models__tiny-dtm__steps": 2,
    "thresholds__min_points": 1,
    "thresholds__bootstraps": 20,
    "report__pictures_per_pair": 1,
    "finetune__min_keep_share": 0.0,
    "finetune__candidates": 24,
    "finetune__keep_above": 0.0,
    "finetune__max_gap": 1.0,
    "finetune__steps": 3,
    "finetune__batch_size": 4,
}
PROMPTS = "data/prompts.parquet"


def repro(place: Path) -> set[str]:
    """Run the pipeline; the stages that ran."""
    done = workplace.python("-m", "dvc", "repro", cwd=place)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return set(re.findall(r"^Running stage '(.+)':$", done.stdout, re.MULTILINE))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, run once on two prompts a pair."""
    place = tmp_path_factory.mktemp("project")
    workplace.copy(place)
    workplace.edit(place, **SMALL)
    ran = repro(place)
    assert {"annotate", "generate@tiny", "judge@tiny", "finetune", "generate@tiny-dtm", "classify", "report"} <= ran
    return place


@pytest.fixture
def roster(project: Path) -> list[str]:
    return params.load(project / "params.yaml").generate.roster


def test_every_interface_is_there(project: Path, roster: list[str]) -> None:
    subsets = [str(pair) for pair in pairs(Task.T2I)]
    prompts = tables.split(tables.read(project / PROMPTS, tables.PROMPTS), "test")
    assert prompts.height == 2 * len(subsets)
    for model in roster:
        assert {file.name for file in (project / "data/images" / model / "t2i").iterdir()} == {f"{pair}.parquet" for pair in subsets}
        assert tables.read(project / "data/images" / model, tables.IMAGES).height == prompts.height
        assert tables.read(project / "data/scores" / f"{model}.parquet", tables.SCORES).height == 2 * prompts.height
    relations = tables.read(project / "data/relations.parquet", tables.RELATIONS)
    assert relations.height == len(roster) * len(subsets)
    assert list((project / "data/lora/tiny-dtm").glob("*.safetensors"))
    assert (project / "reports/index.html").read_text("utf-8").startswith("<!doctype html>")
    assert set(json.loads((project / "reports/metrics.json").read_text("utf-8"))["models"]) == set(roster)


def test_what_is_done_is_not_done_again(project: Path) -> None:
    assert repro(project) == set()


def test_a_threshold_reaches_the_map_and_the_report_only(project: Path) -> None:
    workplace.edit(project, thresholds__synergy=0.6)
    assert repro(project) == {"classify", "gate-relations", "report"}


def test_one_changed_prompt_costs_one_picture_per_model_and_its_two_grades(
    project: Path, roster: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    prompts = tmp_path / "prompts.parquet"
    tables.write(changed(tables.read(Path(PROMPTS), tables.PROMPTS)), tables.PROMPTS, prompts)
    for model in roster:
        before = kept()
        generate.main(model, prompts, tmp_path / "images" / model)
        judge.main(model, prompts, tmp_path / "images" / model, tmp_path / "scores" / f"{model}.parquet")
        assert {shelf: rows - before[shelf] for shelf, rows in kept().items()} == {"images": 1, "answers": 2}


def changed(prompts: pl.DataFrame) -> pl.DataFrame:
    """The table with other words in the first test prompt that has no copy."""
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
        return {shelf: held.rows for shelf, held in store.size().items() if shelf in ("images", "answers")}
