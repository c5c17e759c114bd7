"""Command line: output, errors and latency."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import isolated
import pytest
import workplace
from lines import names
from rich.console import Console
from typer.testing import CliRunner

from trig.cli.main import app
from trig.errors import TrigError
from trig.run.display import table
from trig.run.edge import GOES_ON, edge
from trig.run.lock import only_one

ROOT = Path(__file__).parents[1]
PROGRAMS = ["trig.cli", *(f"stages.{file.stem}" for file in sorted((ROOT / "stages").glob("[a-z]*.py")))]
HEAVY = "torch diffusers transformers peft great_expectations altair".split()


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Command line in a subprocess."""
    path = {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | path)


def at(place: Path, monkeypatch: pytest.MonkeyPatch, edit: Callable[[str], str] = lambda text: text) -> None:
    """Changes into a folder that holds the project's parameters, edited."""
    (place / "params.yaml").write_text(edit((ROOT / "params.yaml").read_text("utf-8")), "utf-8")
    monkeypatch.chdir(place)


HELP = f"""
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module(sys.argv[0], run_name="__main__")
finally:
    print("loaded", [name for name in {HEAVY} if name in sys.modules])
"""


@pytest.fixture(scope="module")
def helped() -> dict[str, str]:
    """What each program says when it is asked for help, and which heavy libraries it has loaded."""
    return isolated.told(HELP, {program: [program, "--help"] for program in PROGRAMS}, ["polars", "pyarrow.parquet", "pydantic", "typer"])


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_answers_without_a_heavy_library(program: str, helped: dict[str, str]) -> None:
    assert "Usage" in helped[program]
    assert helped[program].splitlines()[-1] == "loaded []"


def test_models_shows_the_zoo_and_marks_the_roster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(tmp_path, monkeypatch, lambda text: workplace.plain(text).replace("    - tiny-turbo\n", ""))
    lines = CliRunner().invoke(app, ["models"]).stdout.splitlines()
    marked = {line.split()[1] for line in lines if line.startswith("•")}
    assert {"tiny", "tiny-dtm"} <= marked
    assert any(line.split()[:1] == ["tiny-turbo"] for line in lines)


def test_doctor_takes_a_file_that_stands_for_weights_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def edit(text: str) -> str:
        """Switches to the served judge, the last entry with these weights."""
        return "needs: model.txt".join(text.replace("name: tiny\n", "name: tiny-served\n", 1).rsplit("needs: data/tiny/judge", 1))

    at(tmp_path, monkeypatch, edit)
    (tmp_path / "model.txt").write_text("gpt-4o\n", "utf-8")
    told = CliRunner().invoke(app, ["doctor"]).stdout
    assert [line.split()[0] for line in told.splitlines() if "model.txt" in line] == ["ok"]


def test_doctor_names_weights_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(tmp_path, monkeypatch)
    told = CliRunner().invoke(app, ["doctor"])
    assert told.exit_code == 1
    assert [line.split()[3] for line in told.stdout.splitlines() if line.startswith("will not work") and "safetensors" in line] == [
        "data/tiny/judge",
        "data/tiny/painter",
    ]


def test_doctor_is_content_when_the_weights_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(tmp_path, monkeypatch)
    for name in ("judge", "painter"):
        (tmp_path / "data/tiny" / name).mkdir(parents=True)
        (tmp_path / "data/tiny" / name / "model.safetensors").write_bytes(b"0")
    told = CliRunner().invoke(app, ["doctor"])
    assert (told.exit_code, "will not work" in told.stdout) == (0, False), told.stdout


@pytest.mark.parametrize("program", ["trig.cli models", "stages.classify a b c d"])
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
        with pytest.raises(TrigError, match=names("judge", "another run")), only_one("judge", tmp_path):
            pass
        with only_one("judge-other", tmp_path):
            pass
    with only_one("judge", tmp_path):
        pass


def test_names_are_whole_where_output_goes_to_a_pipe(tmp_path: Path) -> None:
    name = "a-model-with-a-name-that-tells-everything-about-its-weights-and-how-they-were-quantised"
    text = (ROOT / "params.yaml").read_text("utf-8").replace("tiny-turbo", name)
    (tmp_path / "params.yaml").write_text(text, "utf-8")
    shown = python("-m", "trig.cli", "models", cwd=tmp_path)
    assert name in shown.stdout and "…" not in shown.stdout
    place = "data/[a folder] whose name is long and has brackets/which a table must show as they are/painter"
    (tmp_path / "params.yaml").write_text(text.replace("data/tiny/painter", place), "utf-8")
    assert place in python("-m", "trig.cli", "models", cwd=tmp_path).stdout


def test_doctor_names_weights_that_are_a_link_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(tmp_path, monkeypatch)
    (tmp_path / "data/tiny/painter").mkdir(parents=True)
    (tmp_path / "data/tiny/painter/model.safetensors").symlink_to("gone")
    told = CliRunner().invoke(app, ["doctor"])
    assert told.exit_code == 1 and "model.safetensors is a link to nothing" in told.stdout


@pytest.mark.parametrize("command", ["models", "doctor", "store", "published"])
def test_what_is_shown_is_also_told_as_json(command: str) -> None:
    found = json.loads(python("-m", "trig.cli", command, "--json").stdout)
    expected = {
        "models": {"models", "judges", "presets", "zoo"},
        "doctor": {"ok", "rows", "notes"},
        "store": {"path", "dropped", "shelves"},
        "published": {"relations", "means"},
    }
    assert set(found) == expected[command]


def test_doctor_says_the_same_in_json_and_fails_alike(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    told = python("-m", "trig.cli", "doctor", "--json", cwd=tmp_path)
    found = json.loads(told.stdout)
    assert (told.returncode, found["ok"]) == (1, False)
    assert {row["what"] for row in found["rows"] if not row["ok"]} == {"data/tiny/judge", "data/tiny/painter"}


def test_doctor_names_a_folder_behind_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(tmp_path, monkeypatch)
    for name in ("judge", "painter"):
        (tmp_path / "data/tiny" / name).mkdir(parents=True)
        (tmp_path / "data/tiny" / name / "model.safetensors").write_bytes(b"0")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "model.safetensors").write_bytes(b"0")
    (tmp_path / "data/tiny/painter/text_encoder").symlink_to(tmp_path / "shared")
    told = CliRunner().invoke(app, ["doctor"])
    assert told.exit_code == 0
    assert "note: data/tiny/painter/text_encoder leads elsewhere, where DVC does not look" in told.stdout
    assert "`dvc repro -f -s zoo@tiny`" in told.stdout


@pytest.mark.parametrize("command", ["published", "models", "doctor", "store", "compare published:flux published:janus", "--help"])
def test_output_that_is_not_utf_8_loses_no_result(command: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    ran = subprocess.run([sys.executable, "-m", "trig.cli", *command.split()], cwd=ROOT, capture_output=True, check=False, env=environment)
    assert b"Traceback" not in ran.stderr and ran.returncode == 0, ran.stderr
    assert ran.stdout.isascii() and ran.stdout.strip()


def test_a_reader_who_has_seen_enough_ends_a_command_quietly() -> None:
    piped = f"{sys.executable} -m trig.cli published --json | head -c 1"
    ran = subprocess.run(
        piped, shell=True, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert (ran.stdout, ran.stderr) == ("{", "")


def test_only_who_keeps_something_says_that_a_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    for goes_on in ("", GOES_ON):
        with pytest.raises(SystemExit), edge(goes_on):
            raise KeyboardInterrupt
    assert capsys.readouterr().err.splitlines() == ["stopped", "stopped; the next run goes on from here"]


def test_a_narrow_terminal_wraps_a_name_and_cuts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    drawn = table(("what", "count"), [("one-long-name-" * 8, "1")], numbers=True)
    out = io.StringIO()
    Console(file=out, width=40).print(drawn)
    assert "…" not in out.getvalue()
    assert "".join(line[:33].strip() for line in out.getvalue().splitlines()[1:]).startswith("one-long-name-one-long-name-")
