"""A stage ends when its DVC is killed, also while it still imports its libraries; what a benchmark measures ends with the benchmark."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import workplace

STAGE = """
import os, time
from pathlib import Path
from trig.run.edge import run

def main() -> None:
    Path("begun").touch()
    time.sleep({pause})
    Path("ended").touch()

while {late} and os.getppid() == int(os.environ["PARENT"]):
    time.sleep(0.01)
run(main)
"""
DVC = """
import os, subprocess, sys, time
from pathlib import Path
own = os.environ | {{"PARENT": str(os.getpid())}}
print(subprocess.Popen([sys.executable, "stage.py"], stdout=subprocess.DEVNULL, env=own).pid, flush=True)
while not {late} and not Path("begun").exists():
    time.sleep(0.01)
"""
MEASURES = """
import signal, sys
from pathlib import Path
from trig.testing import programs

signal.signal(signal.SIGINT, signal.{interrupted})
programs.PATIENCE = 1.0
programs.end_as_interrupted()
programs.run(sys.executable, "-c", "import os, time; print(os.getpid(), file=open('begun', 'w'), flush=True); time.sleep(60)", cwd=Path())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
@pytest.mark.parametrize("late", [False, True])
def test_a_stage_ends_with_its_dvc(late: bool, tmp_path: Path) -> None:
    (tmp_path / "stage.py").write_text(STAGE.format(late=late, pause=0 if late else 60), "utf-8")
    environment = workplace.environment(DVC_STAGE="x")
    started = subprocess.run(
        [sys.executable, "-c", DVC.format(late=late)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        start_new_session=True,
    )
    due = time.monotonic() + 30
    while time.monotonic() < due and goes_on(int(started.stdout)):
        time.sleep(0.02)
    assert not goes_on(int(started.stdout))
    assert [(tmp_path / name).exists() for name in ("begun", "ended")] == [not late, False]


@pytest.mark.parametrize("interrupted", ["default_int_handler", "SIG_IGN"])
def test_what_is_measured_ends_with_a_benchmark_that_is_terminated(interrupted: str, tmp_path: Path) -> None:
    """It is in a session of its own: nobody else ends it. What a shell starts in the background ignores SIGINT."""
    command = [sys.executable, "-c", MEASURES.format(interrupted=interrupted)]
    begun, due = tmp_path / "begun", time.monotonic() + 30
    with subprocess.Popen(command, cwd=tmp_path, env=workplace.environment(), stderr=subprocess.PIPE) as benchmark:
        while time.monotonic() < due and not (begun.exists() and begun.read_text().endswith("\n")):
            time.sleep(0.02)
        benchmark.terminate()
        benchmark.communicate()
    while time.monotonic() < due and goes_on(int(begun.read_text())):
        time.sleep(0.02)
    assert not goes_on(int(begun.read_text()))


def goes_on(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
