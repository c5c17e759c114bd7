"""`trig models`: what is here, what fits, what nothing runs, and why."""

import json
from pathlib import Path
from typing import Any

import pytest
import workplace
from lines import names
from typer.testing import CliRunner

from trig import memory
from trig.cli import models
from trig.cli.main import app
from trig.errors import ParamsError
from trig.run import gpus

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HEAVY = "torch diffusers transformers peft".split()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an entry of the zoo, in a machine of 20 GB without a GPU and with an empty cache."""
    sdxl = {"extends": "sdxl", "weights": f"hub:stabilityai/stable-diffusion-xl-base-1.0@{COMMIT}", "needs": "params.yaml"}
    variant = {"extends": "sdxl", "needs": "params.yaml", "dtype": "float32"}
    workplace.bench(tmp_path, models__sdxl=sdxl, models__slow=variant, models__api={"extends": "gpt-image-1", "needs": "params.yaml"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(memory, "there", lambda: 10 * 10**9)
    monkeypatch.setattr(gpus, "GPU", tmp_path / "no driver")
    return tmp_path


def told(section: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CliRunner().invoke(app, ["models", "--json"]).stdout)[section]
    return found


def test_the_zoo_tells_what_fits_and_what_nothing_runs(place: Path) -> None:  # noqa: ARG001
    zoo = told("zoo")
    assert {name: zoo[name]["fits"] for name in ("flux-dev", "sdxl", "dall-e-3")} == {"flux-dev": False, "sdxl": True, "dall-e-3": None}
    assert (zoo["flux-dev"]["gated"], zoo["flux-dev"]["licence"], zoo["sdxl"]["tasks"]) == (True, "FLUX.1 [dev] Non-Commercial", ["t2i"])
    rows = {line.split()[0]: line for line in CliRunner().invoke(app, ["models"]).stdout.splitlines()}
    assert zoo["freediff"]["unavailable"] in rows["freediff"]


def test_an_entry_tells_what_its_system_does_in_its_own_numbers(place: Path) -> None:
    entries = told("models")
    assert (entries["sdxl"]["fits"], entries["slow"]["fits"], entries["tiny"]["fits"]) == (True, False, True)
    assert (entries["sdxl"]["here"], entries["tiny"]["here"]) == (False, True)
    whole = place / "cache/models--stabilityai--stable-diffusion-xl-base-1.0/snapshots" / COMMIT
    (whole / "vae").mkdir(parents=True)
    (whole / "model_index.json").write_text('{"vae": ["diffusers", "AutoencoderKL"]}', "utf-8")
    (whole / "vae/model.safetensors").write_bytes(b"0")
    assert told("models")["slow"]["here"] and told("zoo")["sdxl"]["here"] and not told("zoo")["sd15"]["here"]


def test_a_gpu_is_what_a_model_has_to_fit_into(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = place / "bin/nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho '16384, 100, Small'\necho '81920, 0, Large'\n", "utf-8")
    tool.chmod(0o755)
    (place / "driver").touch()
    monkeypatch.setattr(gpus, "GPU", place / "driver")
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    zoo = told("zoo")
    assert (zoo["flux-dev"]["fits"], zoo["flux2-dev"]["fits"]) == (True, False)
    assert "Large" in CliRunner().invoke(app, ["models"]).stdout


def test_doctor_says_which_weights_of_the_hub_are_to_be_fetched(place: Path) -> None:
    workplace.edit(place, generate__roster=["tiny", "sdxl"], tunings={})
    told = CliRunner().invoke(app, ["doctor"])
    assert told.exit_code == 1
    row = next(line for line in told.stdout.splitlines() if "stable-diffusion-xl" in line)
    assert row.startswith("will not work") and "trig models fetch" in row


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tiny", ("params.yaml: models.tiny.weights", "'data/tiny/painter'", "folder")),
        ("flux-dev", ("model", "'flux-dev'", "no commit", "hub:black-forest-labs/FLUX.1-dev@COMMIT")),
        ("freediff", ("model", "'freediff'", "unavailable")),
        ("dall-e-3", ("model", "'dall-e-3'", "behind an API", "nothing is to fetch")),
        ("api", ("params.yaml: models.api", "openai", "nothing is to fetch")),
        ("nothing", ("model", "'nothing'", "unknown")),
    ],
)
def test_what_cannot_be_fetched_is_one_line(name: str, said: tuple[str, ...], place: Path) -> None:  # noqa: ARG001
    with pytest.raises(ParamsError, match=names(*said)):
        models.fetch([name])


def test_the_table_needs_no_heavy_library() -> None:
    shows = "import sys, runpy; sys.argv = ['trig', 'models']\ntry: runpy.run_module('trig.cli', run_name='__main__')\n"
    asked = workplace.python(
        "-c", shows + f"finally: print('loaded', [name for name in {HEAVY} if name in sys.modules])", cwd=workplace.ROOT
    )
    assert asked.stdout.splitlines()[-1] == "loaded []", asked.stderr
