"""`trig doctor` says beforehand what will not work, scenario by scenario, with the remedy."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections import namedtuple
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import workplace
from typer.testing import CliRunner

from benchmarks.chaos.valve import valve
from trig import memory, params
from trig.cli import needs, remotes
from trig.cli.main import app
from trig.params.zoo import UNTRAINED
from trig.run import gpus
from trig.testing import remotes as stores
from trig.testing import servers

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FLUX = {"extends": "flux-dev", "weights": f"hub:black-forest-labs/FLUX.1-dev@{COMMIT}", "needs": "params.yaml"}
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project on a machine of 20 GB with 100 GB of disk, without a GPU, a token or a key, and with an empty cache."""
    workplace.bench(tmp_path, models__flux=FLUX)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    monkeypatch.setattr(memory, "there", lambda: 20 * 10**9)
    monkeypatch.setattr(gpus, "GPU", tmp_path / "no driver")
    monkeypatch.setattr(needs, "GPUS", ())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 100 * 10**9))
    for name in ("OPENAI_API_KEY", "DEEPSEEK_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def found() -> dict[str, tuple[bool, str]]:
    return {what: (good, said) for good, what, said in needs.rows(params.load())}


def refused(**edits: Any) -> dict[str, str]:
    """What will not work with these parameters."""
    workplace.edit(Path(), **edits)
    return {what: said for what, (good, said) in found().items() if not good}


def test_the_shipped_parameters_work(place: Path) -> None:  # noqa: ARG001
    told = found()
    assert all(good for good, _ in told.values())
    assert "1,344 of each model, 4,032" in told["pictures"][1] and "8,064" in told["questions"][1]


def test_the_published_sizes_are_counted(place: Path) -> None:  # noqa: ARG001
    workplace.edit(Path(), annotate__profile="trig", annotate__tasks=["t2i", "p2p", "s2p"], judge__dimensions="all")
    told = found()
    assert "40,200 of a model, 93,600" in told["pictures"][1] and "936,000" in told["questions"][1]


def test_a_large_gated_model_wants_memory_and_a_token(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    said = refused(generate__roster=["flux"], tunings={})
    assert said.keys() == {"memory of flux", "token of flux", "GPU of flux"}
    assert "41 GB" in said["memory of flux"] and "models.flux.options.offload" in said["memory of flux"]
    assert "HF_TOKEN" in said["token of flux"] and "https://huggingface.co/black-forest-labs/FLUX.1-dev" in said["token of flux"]
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_x")
    monkeypatch.setattr(memory, "there", lambda: 80 * 10**9)
    assert refused().keys() == {"GPU of flux"} and "where there is one" in refused()["GPU of flux"]
    monkeypatch.setattr(needs, "GPUS", ("/",))
    assert refused() == {}


def test_weights_and_pictures_want_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 30 * 10**9))
    fast = {"extends": "flux", "needs": "params.yaml", "steps": 20}
    said = refused(models__fast=fast, generate__roster=["flux", "fast"], tunings={}, annotate__profile="trig")[f"disk at {place}"]
    assert (
        "weights of flux 33.8" in said
        and said.count("33.8") == 1
        and "pictures of flux 23.9" in said
        and "30.0 GB free" in said
        and "make room" in said
    )
    for name in ("flux", "fast"):
        (place / "data/images" / name).mkdir(parents=True)
    assert "pictures" not in found()[f"disk at {place}"][1]


def test_a_model_that_does_not_do_a_task_is_named(place: Path) -> None:  # noqa: ARG001
    said = refused(generate__roster=["flux"], tunings={}, annotate__tasks=["t2i", "s2p"])["tasks of flux"]
    assert "not s2p" in said and "models.flux.scope.tasks to [t2i]" in said
    assert "generate.roster" in refused(annotate__tasks=["s2p"])["tasks of flux"]


def test_a_base_for_which_nothing_is_trained_is_named(place: Path) -> None:  # noqa: ARG001
    base = {"extends": "pixart-sigma", "weights": f"hub:PixArt-alpha/PixArt-Sigma-XL-2-1024-MS@{COMMIT}", "needs": "params.yaml"}
    tuned = {"extends": "pixart", "adapter": "data/lora/pixart-dtm", "needs": "data/lora/pixart-dtm"}
    edits = {"models__pixart": base, "models__pixart-dtm": tuned, "tunings": {"pixart-dtm": {"base": "pixart"}}}
    said = refused(generate__roster=["pixart"], **edits)["adapter of pixart-dtm"]
    assert UNTRAINED in said and "tunings.pixart-dtm" in said


def test_a_judge_that_does_not_fit_is_to_be_served(place: Path) -> None:
    (place / "large").mkdir()
    header = json.dumps(
        {"__metadata__": {"format": "pt"}, "w": {"dtype": "BF16", "shape": [7_000_000, 1000], "data_offsets": [0, 0]}}
    ).encode()
    (place / "large/model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    (place / "large/broken.safetensors").write_bytes(b"0")
    assert needs.parameters(place / "large") == 7_000_000_000
    judge = {"backend": "transformers", "weights": "large", "needs": "large"}
    assert "34 GB" in refused(judges__large=judge, judge__name="large")["memory of judge large"]


def test_a_judge_of_the_hub_wants_memory_and_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 10**10))
    weights = f"hub:Qwen/Qwen3-VL-32B-Instruct@{COMMIT}"
    large = {"extends": "qwen3-vl-32b", "backend": "transformers", "weights": weights, "needs": "params.yaml"}
    said = refused(judges__large=large, judge__name="large")
    assert "80 GB" in said["memory of judge large"] and "weights of judge large 66.8" in said[f"disk at {place}"]
    assert "config.json is not in the cache" in run().stdout


def test_an_option_without_which_every_row_fails_is_named(place: Path) -> None:  # noqa: ARG001
    said = refused(models__flux={**FLUX, "extends": "flux-ip-adapter"}, generate__roster=["flux"], tunings={}, annotate__tasks=["s2p"])
    assert "models.flux.options.ip_adapter" in said["options of flux"]


@pytest.mark.parametrize(("key", "said"), [(None, "127.0.0.1:9"), ("OPENAI_API_KEY", "OPENAI_API_KEY")])
def test_a_server_that_does_not_answer_and_a_key_that_is_not_set(place: Path, key: str | None, said: str) -> None:  # noqa: ARG001
    edits = {"judges__tiny-served__endpoints": ["http://127.0.0.1:9/v1"], "judges__tiny-served__key": key}
    told = refused(judge__name="tiny-served", **edits)
    assert told.keys() == {"judge tiny-served"} and said in told["judge tiny-served"]


def test_a_server_that_answers_is_told_with_its_model(place: Path) -> None:  # noqa: ARG001
    stub = servers.Stub()
    with servers.running(stub) as url:
        workplace.edit(
            Path(), **{"judges__tiny-served__endpoints": [f"{url}/v1"], "judges__tiny-served__model": None, "judge__name": "tiny-served"}
        )
        good, said = found()["judge tiny-served"]
    assert good and url in said and stub.pictured == 0


def test_an_annotator_wants_its_key(place: Path) -> None:  # noqa: ARG001
    assert "DEEPSEEK_API_KEY" in refused(annotate__annotator="deepseek")["annotator deepseek"]


DEAD = "s3://bucket/trig"


def shared(place: Path, url: str | None = None, git: bool = True, settings: Mapping[str, str] | None = None) -> None:
    """Makes a DVC project of the place, with this default remote."""
    (place / "dvc.yaml").write_text("stages: {}\n", "utf-8")
    (place / ".dvc").mkdir()
    if git:
        subprocess.run(["git", "init", "--quiet"], cwd=place, check=True)
    lines = [
        "[core]",
        "remote = store",
        "['remote \"store\"']",
        f"url = {url}",
        *(f"{key} = {value}" for key, value in (settings or {}).items()),
    ]
    (place / ".dvc/config").write_text("\n".join(lines if url else []) + "\n", "utf-8")


def told(wanted: bool = False) -> dict[str, tuple[bool, str]]:
    return {what: (good, said) for good, what, said in remotes.rows(wanted)}


def test_a_project_outside_of_git_is_named(place: Path) -> None:
    shared(place, DEAD, git=False)
    assert told().keys() == {"git repository"}
    assert not told()["git repository"][0] and "git init" in told()["git repository"][1]
    assert run().exit_code == 1


def test_no_remote_is_a_fault_for_who_wants_to_share_only(place: Path) -> None:
    shared(place)
    assert [told(wanted)["remote"][0] for wanted in (False, True)] == [True, False]
    assert "dvc remote add" in told()["remote"][1]
    assert (run().exit_code, run("--remote").exit_code) == (0, 1)


@pytest.mark.parametrize(
    ("url", "settings", "said"),
    [
        (DEAD, {"endpointurl": "http://127.0.0.1:9"}, "127.0.0.1:9"),
        ("ssh://somebody@127.0.0.1:9/trig", {}, "127.0.0.1:9"),
        ("/nowhere/at/all", {}, "no such folder"),
    ],
)
def test_a_dead_remote_is_named_with_what_to_do(place: Path, url: str, settings: dict[str, str], said: str) -> None:
    shared(place, url, settings=settings)
    good, found = told()["remote store"]
    assert not good and said in found and "dvc remote modify store" in found


@pytest.mark.parametrize("scheme", ["http", "https", "ssh"])
def test_a_remote_that_takes_connections_and_says_nothing_is_dead_within_seconds(place: Path, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = {} if scheme == "ssh" else {"endpointurl": f"{scheme}://{address}"}
        shared(place, f"ssh://somebody@{address}/trig" if scheme == "ssh" else DEAD, settings=settings)
        began = time.monotonic()
        good, found = told()["remote store"]
        assert not good and address in found and "dvc remote modify store" in found
        assert time.monotonic() - began < remotes.ANSWER


def test_a_remote_answers_and_a_wrong_key_or_bucket_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stores.s3(place) as bucket:
        for name, value in bucket.keys.items():
            monkeypatch.setenv(name, value)
        shared(place, f"s3://{bucket.name}/trig", settings={"endpointurl": bucket.endpoint})
        assert told()["remote store"] == (True, f"s3://{bucket.name}/trig answers")
        config = (place / ".dvc/config").read_text("utf-8")
        with valve(urlsplit(bucket.endpoint).port or 0) as between:
            between.left = 0
            (place / ".dvc/config").write_text(config.replace(bucket.endpoint, f"http://127.0.0.1:{between.port}"), "utf-8")
            good, found = told()["remote store"]
            assert not good and "server" in found and "key" not in found
        (place / ".dvc/config").write_text(config.replace(f"//{bucket.name}/", "//another/"), "utf-8")
        good, found = told()["remote store"]
        assert not good and "another" in found and "address" in found
    with stores.s3(place, guarded=True) as bucket:
        (place / ".dvc/config").write_text(re.sub("endpointurl = .*", f"endpointurl = {bucket.endpoint}", config), "utf-8")
        good, found = told()["remote store"]
        assert not good and "key" in found.lower().partition(";")[0]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["doctor", *arguments])


def test_one_line_a_finding_and_exit_code_1(place: Path) -> None:  # noqa: ARG001
    workplace.edit(Path(), generate__roster=["flux"], tunings={})
    told = run()
    lines = [line for line in told.stdout.splitlines() if line.startswith("will not work")]
    assert told.exit_code == 1 and [line.split("  ")[1].strip() for line in lines if " of flux" in line] == [
        "memory of flux",
        "GPU of flux",
        "token of flux",
    ]


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ('{"annotate": [], "zoo@tiny": [], "tinyworld/training/dvc.yaml:vae": []}', "would run: annotate, zoo@tiny"),
        ("{}", "none would run"),
    ],
)
def test_the_plan_tells_which_stages_would_run(place: Path, monkeypatch: pytest.MonkeyPatch, out: str, said: str) -> None:  # noqa: ARG001
    monkeypatch.setattr("trig.cli.doctor.subprocess.run", lambda *_, **__: subprocess.CompletedProcess([], 0, out, ""))
    told = run("--plan")
    assert told.exit_code == 0 and said in told.stdout and "vae" not in told.stdout


def test_the_plan_outside_of_a_project_is_told(place: Path) -> None:  # noqa: ARG001
    told = run("--plan", "--json")
    row = next(row for row in json.loads(told.stdout)["rows"] if row["what"] == "stages")
    assert told.exit_code == 1 and not row["ok"] and "project's root" in row["found"]
