"""What a clone that has pulled nothing would compute anew."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import workplace
import yaml
from lines import names
from test_params import READS, edited, put

from stages import params as stage
from trig import params
from trig.errors import ParamsError
from trig.run import ghosts
from trig.run.unpulled import Unpulled, unpulled

MADE = {"generate@tiny": "data/images/tiny", "judge@tiny": "data/scores/tiny.parquet", "classify": "data/relations.parquet"}
LEFT = {"generate@gone": "data/images/gone", "finetune@gone": "data/lora/gone"}
"""Stages of models that left the parameters: dvc.lock keeps them."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A clone with a lock and no results."""
    shutil.copy(workplace.ROOT / "params.yaml", tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    assert workplace.program("dvc", "init", "--quiet", cwd=tmp_path).returncode == 0
    outs: dict[str, Any] = {
        name: {"cmd": "x", "outs": [{"path": path, "md5": f"{n:032d}"}]} for n, (name, path) in enumerate((MADE | LEFT).items())
    }
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": outs}), "utf-8")
    return tmp_path


def found(place: Path) -> Unpulled | None:
    return unpulled(place, params.load(place / "params.yaml"))


def test_stages_without_results_are_told_with_their_cost(place: Path) -> None:
    assert found(place) == Unpulled(tuple(sorted(MADE)), 3, 2244, 4488, 0, 0, None)
    assert workplace.program("dvc", "remote", "add", "--default", "store", str(place / "far"), cwd=place).returncode == 0
    told = found(place)
    assert told and told.remote == "store"
    for words in ("3 of 3 stages", "2,244 pictures", "4,488 questions", "`dvc pull`", "'store'"):
        assert words in told.told()


def test_what_is_here_or_in_the_cache_is_not_computed_anew(place: Path) -> None:
    (place / "data/images/tiny").mkdir(parents=True)
    cached = place / ".dvc/cache/files/md5/00" / f"{1:030d}"
    cached.parent.mkdir(parents=True)
    cached.write_text("scores", "utf-8")
    left = found(place)
    assert left and left.stages == ("classify",) and not left.costly
    (place / "data/relations.parquet").write_text("relations", "utf-8")
    assert found(place) is None


def test_the_stage_that_asks_is_not_without_results(place: Path) -> None:
    (place / "data/images/tiny").mkdir(parents=True)
    (place / "data/relations.parquet").write_text("relations", "utf-8")
    assert unpulled(place, params.load(place / "params.yaml"), but="judge@tiny") is None


def test_without_a_lock_or_dvc_there_is_nothing_to_pull(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    alone = tmp_path_factory.mktemp("alone")
    for name in ("params.yaml", "dvc.lock"):
        shutil.copy(place / name, alone)
    assert found(alone) is None
    (alone / "dvc.lock").unlink()
    assert found(alone) is None


def test_the_first_stage_says_so_before_anything_is_made(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage.main(place / "params.yaml", READS, *(place / name for name in ("out", "models", "judges", "eye.json")))
    assert capsys.readouterr().err.startswith("note: 3 of 3 stages have no results")


def test_results_of_models_that_left_are_removed_where_the_cache_has_them(place: Path) -> None:
    for path in (*MADE.values(), *LEFT.values()):
        (place / path).mkdir(parents=True)
        (place / path / "file").write_text("made", "utf-8")
    cached = place / ".dvc/cache/files/md5/00" / f"{3:030d}"
    cached.parent.mkdir(parents=True)
    cached.write_text("pictures", "utf-8")
    assert ghosts.remove(place, params.load(place / "params.yaml")) == ["data/images/gone"]
    assert not (place / "data/images/gone").exists()
    assert all((place / path / "file").exists() for path in (*MADE.values(), "data/lora/gone"))


def test_a_tuned_model_that_is_not_painted_is_named_before_anything_runs(tmp_path: Path) -> None:
    file = edited(tmp_path, put("generate.roster", ["tiny", "tiny-turbo"]))
    with pytest.raises(ParamsError, match=names(str(file), "tunings.tiny-dtm", "generate.roster")):
        stage.main(file, READS, *(tmp_path / name for name in ("out", "models", "judges", "eye.json")))
    assert not (tmp_path / "out").exists()
