"""Judge presets: entries of params.yaml that extend them, what of an entry decides an answer, and the commands of their servers."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import transformers
import workplace
from lines import names
from test_params import READS, both, complaint, edited, put
from typer.testing import CliRunner

from stages import params as stage
from trig import params
from trig.backends.weights import checkpoint_of, judged_by
from trig.cli import models
from trig.cli.main import app
from trig.errors import ParamsError
from trig.params.judge import LocalJudge, ServedJudge
from trig.params.presets import presets

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OPEN = [name for name, preset in presets().items() if preset.repository]
QWEN = {"extends": "qwen2.5-vl-7b", "weights": f"hub:Qwen/Qwen2.5-VL-7B-Instruct@{COMMIT}", "needs": "params.yaml"}


@pytest.mark.parametrize("name", presets())
def test_a_preset_is_extended_in_three_lines(name: str, tmp_path: Path) -> None:
    preset = presets()[name]
    pinned = {"weights": f"hub:{preset.repository}@{COMMIT}"} if preset.repository else {}
    found = params.load(edited(tmp_path, put("judges.x", {"extends": name, "needs": "params.yaml", **pinned}))).judges["x"]
    assert found.backend == preset.backend
    assert judged_by(found) == (COMMIT if pinned else None)
    if isinstance(found, ServedJudge):
        assert (found.model, found.endpoints, found.serve, found.price) == (preset.model, preset.endpoints, preset.serve, preset.price)
    else:
        assert (found.dtype, found.device_map) == (preset.dtype, preset.device_map)


@pytest.mark.parametrize("name", OPEN)
def test_an_open_preset_runs_in_process_and_behind_a_server(name: str, tmp_path: Path) -> None:
    pinned = {"extends": name, "weights": f"hub:{presets()[name].repository}@{COMMIT}", "needs": "params.yaml"}
    edit = both(put("judges.here", {**pinned, "backend": "transformers"}), put("judges.there", {**pinned, "backend": "openai"}))
    found = params.load(edited(tmp_path, edit)).judges
    assert (type(found["here"]), type(found["there"])) == (LocalJudge, ServedJudge)
    assert checkpoint_of(found["here"]).name == COMMIT


def test_an_entry_extends_another_and_says_what_differs(tmp_path: Path) -> None:
    edit = both(put("judges.a", QWEN), put("judges.b", {"extends": "a", "needs": "params.yaml", "concurrency": 4}))
    found = params.load(edited(tmp_path, edit)).judges
    assert found["b"].model_dump(exclude={"extends", "concurrency"}) == found["a"].model_dump(exclude={"extends", "concurrency"})
    assert found["b"].decides() == found["a"].decides()


def test_the_shipped_judge_computes_as_before() -> None:
    assert params.load().judges["tiny"].model_dump() == {
        "extends": None, "weights": "data/tiny/judge", "needs": "data/tiny/judge", "backend": "transformers", "dtype": "float32",
        "device_map": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (put("judges.x", {"extends": "nothing", "needs": "x"}), ("judges.x.extends", "'nothing'", "tiny", "qwen3-vl-8b")),
        (put("judges.x", QWEN | {"needs": "data"}), ("judges.x", "needs", "'data'", "params.yaml")),
        (put("judges.x", QWEN | {"weights": "hub:a/b@main"}), ("judges.x.weights", "'main'", "git ls-remote")),
        (put("judges.x", {"extends": "llava-onevision", "needs": "params.yaml"}), ("judges.x.weights", "not pinned")),
        (put("judges.x", QWEN | {"wieghts": "x"}), ("judges.x.wieghts", "unknown", "'weights'")),
        (put("judges.tiny.dtype", "half"), ("judges.tiny.dtype", "'half'", "'bfloat16'")),
        (put("judges.tiny.device_map", "gpu"), ("judges.tiny.device_map", "'gpu'")),
        (put("judges.x", {"extends": "qwen3-vl-8b"}), ("judges.x.needs", "missing")),
    ],
)
def test_a_mistake_in_an_entry_is_one_line(edit: Any, said: tuple[str, ...], tmp_path: Path) -> None:
    assert re.match(names(*said), complaint(edited(tmp_path, edit)))


def test_each_judge_has_its_whole_entry_on_disk(tmp_path: Path) -> None:
    stage.main(
        edited(tmp_path, put("judges.x", QWEN)), READS, tmp_path / "params", tmp_path / "models", tmp_path / "judges", tmp_path / "eye.json"
    )
    written = {file.stem: json.loads(file.read_text("utf-8")) for file in (tmp_path / "judges").iterdir()}
    assert set(written) == {"tiny", "tiny-served", "x"}
    assert written["x"]["serve"] == presets()["qwen2.5-vl-7b"].serve


def printed(*more: str) -> list[str]:
    told = CliRunner().invoke(app, ["serve", "--print", *more])
    assert told.exit_code == 0, told.output
    return shlex.split(told.stdout.splitlines()[-1])


def test_a_preset_and_an_entry_show_the_command_of_their_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workplace.bench(tmp_path, judges__x=QWEN)
    monkeypatch.chdir(tmp_path)
    awq = printed("qwen2.5-vl-72b-awq")
    assert awq[2:4] == ["serve", "Qwen/Qwen2.5-VL-72B-Instruct-AWQ"]
    assert awq[awq.index("--quantization") + 1] == "awq_marlin" and awq.count("--dtype") == awq.count("--max-model-len") == 1
    pinned = printed("x")
    assert pinned[pinned.index("--revision") + 1] == COMMIT and pinned[pinned.index("--served-model-name") + 1] == "qwen2.5-vl-7b"
    hosted = CliRunner().invoke(app, ["serve", "--print", "gpt-4o"])
    assert hosted.exit_code and re.match(names("judge", "'gpt-4o'", "hosted"), str(hosted.exception))


def test_a_preset_is_fetched_once_it_is_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workplace.bench(tmp_path, judges__x=QWEN)
    monkeypatch.chdir(tmp_path)
    assert models._pinned("x", params.load()) == ("judges", "Qwen/Qwen2.5-VL-7B-Instruct", COMMIT)
    for name, said in (
        ("qwen3-vl-8b", ("judge", "'qwen3-vl-8b'", "no commit")),
        ("tiny-served", ("params.yaml", "judges.tiny-served.weights", "hub")),
    ):
        with pytest.raises(ParamsError, match=names(*said)):
            models.fetch([name])


def test_transformers_has_the_architecture_of_every_open_preset() -> None:
    kinds = {"Qwen2.5": "Qwen2_5_VL", "Qwen3": "Qwen3VL", "llava-onevision": "LlavaOnevision"}
    for name in OPEN:
        kind = next(kind for part, kind in kinds.items() if part in str(presets()[name].repository))
        assert hasattr(transformers, f"{kind}ForConditionalGeneration")
