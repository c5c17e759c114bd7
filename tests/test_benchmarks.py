"""The table of measurements: what it prints, when it fails, and that memory counts everything a program starts."""

import json
from pathlib import Path

import pytest
import workplace

EATER = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; held = bytearray(300_000_000); time.sleep(1)'], check=True)"
MEASURE = f"import sys; from benchmarks.programs import run; print(run(sys.executable, '-c', {EATER!r}).peak)"


def finished(folder: Path, base: dict[str, str], turbo: dict[str, str]) -> Path:
    """A run's folder with nothing but its metrics: the relation of each pair, for two models."""
    found = {"tiny": base, "tiny-turbo": turbo}
    models = {
        model: {"relations": {name: list(pairs.values()).count(name) for name in ("synergy", "tilt", "none")}, "pairs": {"t2i": pairs}}
        for model, pairs in found.items()
    }
    (folder / "reports").mkdir()
    (folder / "reports/metrics.json").write_text(json.dumps({"models": models}), "utf-8")
    return folder


@pytest.mark.parametrize(("turbo", "code", "met"), [("synergy", 0, ["yes", "yes"]), ("none", 1, ["yes", "NO"])])
def test_a_row_prints_its_figures_and_a_missed_bar_is_exit_code_1(turbo: str, code: int, met: list[str], tmp_path: Path) -> None:
    base = {"IQ-R_TA-C": "synergy", "IQ-R_TA-S": "tilt", "TA-C_TA-S": "none"}
    folder = finished(tmp_path, base, base | {"TA-C_TA-S": turbo})
    printed = workplace.python("-m", "benchmarks", "map", "--run", str(folder), cwd=workplace.ROOT)
    machine, heads, *rows = printed.stdout.splitlines()
    assert printed.returncode == code, printed.stderr
    assert "cores, torch" in machine and heads.split() == ["bar", "measured", "wanted", "met"]
    assert [row.split()[-1] for row in rows] == met


def test_an_unknown_row_names_the_known_ones() -> None:
    failed = workplace.python("-m", "benchmarks", "speed", cwd=workplace.ROOT)
    assert failed.returncode == 2
    assert "'speed' is no row; choose from score, sharing, serving, memory, relations, evidence, judge," in failed.stderr


def test_memory_counts_what_a_program_starts() -> None:
    assert 300e6 < int(workplace.python("-c", MEASURE, cwd=workplace.ROOT).stdout) < 400e6
