"""A stage ends when its DVC is killed, also while it still imports its libraries."""

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


def goes_on(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
