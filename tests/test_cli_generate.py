"""`trig generate --dry-run`: pictures stored and to be made, and dollars, before anything is painted or sent."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import workplace
from lines import names
from painted import picture, place, rows
from typer.testing import CliRunner

from trig.cli.main import app
from trig.errors import ParamsError
from trig.testing.servers import running
from trig.testing.studio import SIDE, Studio

SERVED = {
    "backend": "openai", "model": "stub", "needs": "params.yaml", "width": SIDE, "height": SIDE, "price": 0.04,
    "endpoints": ["http://127.0.0.1:9/v1"],
}  # fmt: skip
MINE = {"backend": "folder", "folder": "mine", "needs": "mine", "width": 16, "height": 16}


def figures(*arguments: str) -> Any:
    told = CliRunner().invoke(app, ["generate", *arguments, "--dry-run", "--prompts", "prompts.parquet", "--json"])
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def test_a_dry_run_counts_what_is_stored_and_what_it_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(studio := Studio()) as address:
        place(tmp_path, monkeypatch, 6, api=SERVED | {"endpoints": [f"{address}/v1"]}, mine=MINE, away=SERVED | {"price": None})
        workplace.edit(tmp_path, generate__roster=["api", "mine", "away"], tunings={})
        picture(tmp_path / "mine/any.png")
        before = figures()
        assert not studio.bodies
        rows(tmp_path, "api")
        after = figures("api")
    assert [(row["model"], row["stored"], row["to_make"], row["usd"]) for row in before["models"]] == [
        ("api", 0, 6, pytest.approx(0.24)),
        ("mine", 0, 6, None),
        ("away", 0, 6, None),
    ]
    assert (before["all"]["to_make"], before["all"]["usd"]) == (18, pytest.approx(0.24))
    assert [(row["stored"], row["to_make"], row["usd"]) for row in after["models"]] == [(6, 0, 0)]
    shown = CliRunner().invoke(app, ["generate", "--dry-run", "--prompts", "prompts.parquet"]).output
    assert "models.away.price" in shown and "models.api.price" not in shown


def test_a_model_that_is_not_here_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, 2, mine=MINE, api=SERVED, down=SERVED | {"model": None, "retries": 0})
    workplace.edit(tmp_path, generate__roster=["mine", "down", "api"], tunings={})
    missing, down, served = figures()["models"]
    assert missing["stored"] is None and missing["to_make"] == 2 and "models.mine.folder" in missing["missing"]
    assert down["stored"] is None and "models.down.endpoints" in down["missing"]
    assert served["usd"] == pytest.approx(0.08)


def test_without_a_dry_run_the_pipeline_paints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, 1)
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(subprocess, "run", run)
    assert CliRunner().invoke(app, ["generate", "tiny"]).exit_code == 3
    assert asked[0][-3:] == ["dvc", "repro", "generate@tiny"]


def test_a_model_that_is_not_of_the_roster_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, 1)
    told = CliRunner().invoke(app, ["generate", "nothing"])
    assert isinstance(told.exception, ParamsError)
    with pytest.raises(ParamsError, match=names("model", "'nothing'", "tiny")):
        raise told.exception


def test_models_shows_entries_of_every_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, 1, mine=MINE, api=SERVED, dalle={"extends": "dall-e-3", "needs": "params.yaml"})
    picture(tmp_path / "mine/any.png")
    told = json.loads(CliRunner().invoke(app, ["models", "--json"]).stdout)
    assert {name: (told["models"][name]["backend"], told["models"][name]["here"]) for name in ("mine", "api", "dalle", "tiny")} == {
        "mine": ("folder", True),
        "api": ("openai", None),
        "dalle": ("openai", None),
        "tiny": ("diffusers", True),
    }
    (tmp_path / "of another model.safetensors").write_bytes(b"0")
    assert (told["models"]["mine"]["fits"], told["models"]["api"]["fits"]) == (None, None)
    assert {name: told["zoo"][name]["unavailable"] for name in ("janus-pro-7b", "dall-e-3", "gpt-image-1")} == dict.fromkeys(
        ("janus-pro-7b", "dall-e-3", "gpt-image-1")
    )
    shown = {line.split()[0]: line for line in CliRunner().invoke(app, ["models"]).stdout.splitlines() if line.split()}
    assert "dall-e-3 at https://api.openai.com/v1" in shown["dalle"] and "16×16" in shown["mine"]


def test_doctor_asks_for_pictures_and_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, 1, mine=MINE, dalle={"extends": "dall-e-3", "needs": "params.yaml"})
    workplace.edit(tmp_path, generate__roster=["mine", "dalle"], tunings={})
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def row(what: str) -> Any:
        told = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
        return next(row for row in told["rows"] if row["what"] == what)

    assert not row("mine")["ok"] and not row("OPENAI_API_KEY")["ok"]
    picture(tmp_path / "mine/any.png")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-shown")
    assert row("mine")["ok"] and row("OPENAI_API_KEY")["ok"] and "sk-not-shown" not in str(row("OPENAI_API_KEY"))
