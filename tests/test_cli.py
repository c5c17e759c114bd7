"""The command line: what it shows, how it fails, and how fast it answers."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages._cli import edge, only_one
from trig.cli import app
from trig.errors import TrigError

ROOT = Path(__file__).parents[1]
PROGRAMS = ["trig.cli", *(f"stages.{file.stem}" for file in sorted((ROOT / "stages").glob("[a-z]*.py")))]
HEAVY = "torch diffusers transformers peft great_expectations altair".split()


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A program as people start it: in a process of its own, at a place of its own."""
    path = {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | path)


def at(place: Path, monkeypatch: pytest.MonkeyPatch, edit: Callable[[str], str] = lambda text: text) -> None:
    """Stand in a folder that holds the project's parameters, edited."""
    (place / "params.yaml").write_text(edit((ROOT / "params.yaml").read_text("utf-8")), "utf-8")
    monkeypatch.chdir(place)


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_answers_without_a_heavy_library(program: str) -> None:
    shows = f"import sys, runpy; sys.argv = ['{program}', '--help']\ntry: runpy.run_module('{program}', run_name='__main__')\n"
    asked = python("-c", shows + f"finally: print('loaded', [name for name in {HEAVY} if name in sys.modules])")
    assert "Usage" in asked.stdout
    assert asked.stdout.splitlines()[-1] == "loaded []"


def test_models_shows_the_zoo_and_marks_the_roster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(tmp_path, monkeypatch, lambda text: text.replace("    - tiny-turbo\n", ""))
    lines = CliRunner().invoke(app, ["models"]).stdout.splitlines()
    marked = {line.split()[1] for line in lines if line.startswith("•")}
    assert marked == {"tiny", "tiny-dtm"}
    assert any(line.split()[:1] == ["tiny-turbo"] for line in lines)


def test_doctor_names_weights_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(tmp_path, monkeypatch)
    told = CliRunner().invoke(app, ["doctor"])
    assert told.exit_code == 1
    assert [line.split()[:2] for line in told.stdout.splitlines() if "safetensors" in line] == [
        ["missing", "data/tiny/judge"],
        ["missing", "data/tiny/painter"],
    ]


def test_doctor_is_content_when_the_weights_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(tmp_path, monkeypatch)
    for name in ("judge", "painter"):
        (tmp_path / "data/tiny" / name).mkdir(parents=True)
        (tmp_path / "data/tiny" / name / "model.safetensors").write_bytes(b"0")
    told = CliRunner().invoke(app, ["doctor"])
    assert (told.exit_code, "missing" in told.stdout) == (0, False), told.stdout


@pytest.mark.parametrize("program", ["trig.cli models", "stages.classify a b c"])
def test_bad_parameters_are_one_line_and_exit_code_2(program: str, tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text("utf-8")
    (tmp_path / "params.yaml").write_text(text.replace("  synergy: 0.8", "  synergie: 0.8"), "utf-8")
    failed = python("-m", *program.split(), cwd=tmp_path)
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: params.yaml: thresholds.")
    assert len(failed.stderr.splitlines()) == 1


def test_an_interrupt_is_one_line_and_exit_code_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped, edge():
        raise KeyboardInterrupt
    assert stopped.value.code == 130
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), edge():
        _ = 1 / 0


def test_a_stage_runs_once_at_a_time(tmp_path: Path) -> None:
    with only_one("judge", tmp_path):
        with pytest.raises(TrigError, match=r"^judge: another run of this stage is at work"), only_one("judge", tmp_path):
            pass
        with only_one("judge-other", tmp_path):
            pass
    with only_one("judge", tmp_path):
        pass
