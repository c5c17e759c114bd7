"""`trig serve`: the command line for vLLM, without secrets. `test_contract` runs the real server."""

import json
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import workplace
from hypothesis import given
from hypothesis import strategies as st
from lines import names
from typer.testing import CliRunner

from trig import params
from trig.backends.checkpoint import Checkpoint, Vision, read
from trig.backends.judges import serve
from trig.cli.main import app
from trig.errors import ParamsError, WeightsError

JUDGE = "judges__tiny-served__"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder with parameters and weights, on a machine without GPU and vLLM."""
    workplace.bench(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("trig.cli.serve.GPU", tmp_path / "no gpu")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def printed(*more: str) -> list[str]:
    """Arguments of the printed command."""
    told = CliRunner().invoke(app, ["serve", "--print", *more])
    assert told.exit_code == 0, told.output
    return shlex.split(told.stdout.splitlines()[-1])


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def stub_program(place: Path, text: str) -> Path:
    """Stub executable in place of vLLM."""
    program = place / "fake-vllm"
    program.write_text(f"#!{sys.executable}\n{text}\n", "utf-8")
    program.chmod(0o755)
    return program


def test_the_command_fits_the_judge(place: Path) -> None:
    words = printed()
    assert words[:4] == ["VLLM_NO_USAGE_STATS=1", "vllm", "serve", "data/tiny/judge"]
    assert (option(words, "--host"), option(words, "--port"), option(words, "--served-model-name")) == ("127.0.0.1", "8000", "tiny")
    assert json.loads(option(words, "--limit-mm-per-prompt")) == {"image": 2, "video": 0}
    assert (option(words, "--block-size"), option(words, "--dtype")) == ("32", "float32")
    assert {"--enable-prefix-caching", "--enable-prompt-tokens-details"} <= set(words)
    assert 512 < int(option(words, "--max-model-len")) < 2048
    workplace.edit(place, **{JUDGE + "model": None, JUDGE + "endpoints": ["http://127.0.0.1:9123/v1"]})
    words = printed()
    assert option(words, "--port") == "9123" and "--served-model-name" not in words


def test_options_and_the_arguments_behind_them_are_taken_over(place: Path) -> None:
    words = printed("tiny-served", "--host", "::1", "--port", "81", "--dtype", "half", "--", "--max-num-seqs", "64", "--name", "a b")
    assert (option(words, "--host"), option(words, "--port"), option(words, "--dtype")) == ("::1", "81", "half")
    assert words[-4:] == ["--max-num-seqs", "64", "--name", "a b"]
    assert printed("--", "--help")[-1] == "--help"
    (place / "no gpu").touch()
    assert "--dtype" not in printed()


@pytest.mark.usefixtures("place")
def test_the_context_has_room_for_a_prompt_and_ends_where_the_checkpoint_ends() -> None:
    usual, larger, largest = (int(option(printed("--prompt-tokens", room), "--max-model-len")) for room in ("512", "712", "9000"))
    assert (larger - usual, largest) == (200, 2048)


@pytest.mark.usefixtures("place")
def test_a_host_that_others_reach_is_named_in_one_line() -> None:
    told = CliRunner().invoke(app, ["serve", "--print", "--host", "0.0.0.0"])
    assert told.stderr == "warning: 0.0.0.0: others may reach this server, without a key: judges.tiny-served.key asks for one\n"
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        assert CliRunner().invoke(app, ["serve", "--print", "--host", host]).stderr == ""


def test_the_key_reaches_vllm_by_its_environment_only(place: Path) -> None:
    workplace.edit(place, **{JUDGE + "key": "JUDGE_KEY"})
    program = stub_program(place, "import os, sys; print(sys.argv[1:], os.environ['VLLM_API_KEY'] == os.environ['JUDGE_KEY'])")
    ran = workplace.python("-m", "trig.cli", "serve", "--vllm", str(program), "--", "--last", cwd=place, JUDGE_KEY="hush-hush")
    assert (ran.returncode, ran.stderr) == (0, "")
    line, said = ran.stdout.splitlines()
    assert line.startswith('VLLM_NO_USAGE_STATS=1 VLLM_API_KEY="$JUDGE_KEY" ') and said.endswith("'--last'] True")
    assert "hush-hush" not in ran.stdout
    told = workplace.python("-m", "trig.cli", "serve", "--vllm", str(program), cwd=place)
    assert (told.returncode, told.stdout) == (2, "")
    assert re.match(names("params.yaml", "judges.tiny-served.key", "JUDGE_KEY"), told.stderr)


def test_vllm_is_the_one_given_or_that_of_its_own_environment_or_that_on_the_path(place: Path) -> None:
    assert serve.executable(None) is None
    stub_program(place, "").rename(place / "vllm")
    assert serve.executable(None) == str(place / "vllm")
    (place / serve.OWN / "bin").mkdir(parents=True)
    (place / serve.OWN / "bin" / "vllm").touch()
    assert serve.executable(None) == str(serve.OWN / "bin" / "vllm")
    assert serve.executable(place / "vllm") == str(place / "vllm")


@pytest.mark.parametrize(
    ("words", "edits", "said"),
    [
        ("tiny", {}, ("judge", "'tiny'", "tiny-served")),
        ("big", {}, ("judge", "'big'", "tiny-served")),
        ("", {JUDGE + "needs": "params.yaml"}, ("params.yaml", "judges.tiny-served.needs", "params.yaml", "config.json")),
        (
            "",
            {JUDGE + "endpoints": ["http://judge/v1"]},
            ("params.yaml", "judges.tiny-served.endpoints", "http://judge/v1", "--port"),
        ),
        ("--vllm absent", {}, ("--vllm", "absent")),
        ("", {"judges": {"tiny": {"backend": "transformers", "weights": "x", "needs": "x"}}}, ("params.yaml", "judges", "openai")),
    ],
)
def test_one_line_and_exit_code_2(words: str, edits: dict[str, object], said: Sequence[str], place: Path) -> None:
    workplace.edit(place, **edits)
    failed = workplace.python("-m", "trig.cli", "serve", "--print", *words.split(), cwd=place)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert re.match(names(*said), failed.stderr)


@pytest.mark.usefixtures("place")
def test_without_vllm_there_is_one_line_that_says_how_to_get_it() -> None:
    told = CliRunner().invoke(app, ["serve"])
    assert str(told.exception).startswith("vllm: it is not here; `make .venv-serve/ready` installs it") and told.stdout == ""
    assert f"{serve.OWN}/ready:" in (workplace.ROOT / "Makefile").read_text("utf-8")


@pytest.mark.usefixtures("place")
def test_of_several_served_judges_one_must_be_named_or_configured() -> None:
    settings = params.load()
    entry = settings.judges["tiny-served"]
    several = settings.model_copy(update={"judges": {**settings.judges, "other": entry}})
    with pytest.raises(ParamsError, match=names("judge", "tiny-served, other")):
        serve.choose(several, None)
    configured = several.model_copy(update={"judge": several.judge.model_copy(update={"name": "other"})})
    assert serve.choose(configured, None)[0] == "other"


SIDES = st.integers(1, 3000)
VISIONS = st.builds(Vision, st.sampled_from([16, 28, 32]), st.sampled_from([0, 3136, 65536]), st.sampled_from([None, 200704, 1003520]))


@given(SIDES, SIDES, VISIONS)
def test_no_picture_has_more_tokens_than_the_bound(width: int, height: int, vision: Vision) -> None:
    if max(width, height) <= 200 * min(width, height):
        assert 1 <= vision.tokens(width, height) <= vision.bound(width * height) <= vision.bound(width * height + 1000)


@given(SIDES, SIDES, st.sampled_from([16, 28, 32]))
def test_a_picture_has_the_tokens_that_transformers_gives_it(width: int, height: int, cell: int) -> None:
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    least, most = 56 * 56, 1280 * 28 * 28
    if max(width, height) <= 200 * min(width, height) and min(width, height) >= cell:
        rows, columns = smart_resize(height, width, cell, least, most)
        assert Vision(cell, least, most).tokens(width, height) == rows * columns // cell**2


def written(place: Path, **files: object) -> Path:
    for name, found in files.items():
        (place / f"{name}.json").write_text(json.dumps(found), "utf-8")
    return place


def test_checkpoints_of_other_makes_are_read_too(tmp_path: Path) -> None:
    flat = {"max_position_embeddings": 128000, "vision_config": {"patch_size": 14, "spatial_merge_size": 2}}
    found = read(written(tmp_path, config=flat, preprocessor_config={"min_pixels": 3136, "max_pixels": 12845056}))
    vision = Vision(28, 3136, 12845056)
    assert found == Checkpoint(128000, vision, None)
    assert found.count("a ball") is None
    assert serve.context(found, 1003520, ["four"], 512, 1) == 2 * vision.bound(1003520) + 4 + 512 + serve.TEMPLATE + 1


def test_a_checkpoint_that_does_not_say_how_it_cuts_pictures_is_given_all_it_reads(tmp_path: Path) -> None:
    nested = {"text_config": {"max_position_embeddings": 32768}, "vision_config": {"patch_size": 14}}
    found = read(written(tmp_path, config=nested))
    assert (found.vision, serve.context(found, 1003520, ["four"], 512, 1)) == (None, 32768)
    assert serve.context(read(written(tmp_path, config={})), 1, ["four"], 1, 1) is None
    (tmp_path / "config.json").write_text("{", "utf-8")
    with pytest.raises(WeightsError, match=names(tmp_path / "config.json", "JSON", "`dvc pull`")):
        read(tmp_path)
