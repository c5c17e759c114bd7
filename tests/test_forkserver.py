"""The server of forked stages: a fork is to its owner, its shell and its user what a process of its own would be, and has the libraries loaded."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trig.run import handover
from trig.testing.programs import ROOT, processes

OWNER = """
import json, subprocess, sys
for line in sys.stdin:
    command, environment = json.loads(line)
    program = subprocess.Popen(command, env=environment)
    print(program.pid, flush=True)
    print(program.wait(), flush=True)
"""
"""Runs commands as `dvc` does: one after the other, each with its own environment."""
PROBE = """
import json, os, signal, sys, time
from pathlib import Path
began = "colorsys" in sys.modules
import colorsys, edited
heard = []
signal.signal(signal.SIGCONT, lambda *_: heard.append("CONT"))
def main(does, *more):
    said = {"pid": os.getpid(), "parent": os.getppid(), "argv": sys.argv[1:], "name": __name__, "folder": os.getcwd(), "loaded": began}
    said |= {"own": os.environ.get("OWN"), "edited": edited.VALUE, "terminal": sys.stdout.isatty()}
    Path("said.new").write_text(json.dumps(said))
    Path("said.new").rename("said")
    exec(compile(does, "does", "exec"))
try:
    main(*sys.argv[1:])
except KeyboardInterrupt:
    print("interrupted", heard)
    sys.exit(130)
"""
WAITS = "time.sleep(60)"
SOON = 20.0
"""Seconds within which a process is to have ended."""


class Place:
    """A project whose package `stages` has one program, and an owner that runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "stages").mkdir()
        (folder / "stages/__init__.py").write_text("from trig.run.handover import hand_over\nhand_over()\n")
        (folder / "stages/probe.py").write_text(PROBE)
        (folder / "edited.py").write_text("VALUE = 1\n")
        command = [sys.executable, "-c", OWNER]
        owned = {name: value for name, value in os.environ.items() if name != handover.STAGE} | {"PYTHONPATH": str(ROOT)}
        self.owner = subprocess.Popen(command, cwd=folder, env=owned, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.environment = owned

    def begin(self, does: str = "", shell: str = "exec", **more: str) -> int:
        """The pid of the program that the owner started; its output goes to a file."""
        (self.folder / "said").unlink(missing_ok=True)
        program = f"{shell} {sys.executable} -m stages.probe '{does}' 'two words' >>out 2>&1 <edited.py; exit $?"
        assert self.owner.stdin and self.owner.stdout
        self.owner.stdin.write(json.dumps([["sh", "-c", program], self.environment | {handover.STAGE: "probe"} | more]) + "\n")
        self.owner.stdin.flush()
        return int(self.owner.stdout.readline())

    def end(self) -> int:
        """The status with which it ended."""
        assert self.owner.stdout
        return int(self.owner.stdout.readline())

    def run(self, does: str = "", **more: str) -> int:
        """Of a program that ends by itself."""
        self.begin(does, **more)
        return self.end()

    def said(self) -> dict[str, object]:
        """What the program wrote at its beginning."""
        file = self.folder / "said"
        until(file.exists)
        return dict(json.loads(file.read_text()))

    def servers(self) -> list[int]:
        """Servers of this owner."""
        return [pid for pid, *_ in processes() if f"trig.run.forkserver\0{self.owner.pid}\0" in _command(pid) and not _forked(pid)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _forked(pid: int) -> bool:
    """Of the same command as its parent."""
    parents = {one: parent for one, parent, *_ in processes()}
    return _command(parents.get(pid, 0)) == _command(pid)


def until(true: object, *arguments: object) -> None:
    """Waits for it."""
    assert callable(true)
    limit = time.monotonic() + SOON
    while not true(*arguments):
        assert time.monotonic() < limit
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Whether there is no such process, or only what its parent has not asked about."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def state(pid: int) -> str:
    """T: stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    try:
        yield found
    finally:
        servers = found.servers()
        found.owner.kill()
        found.owner.communicate()
        until(lambda: all(map(gone, servers)))


def test_a_fork_is_what_a_process_of_its_own_would_be_and_has_the_modules_loaded(place: Place) -> None:
    assert place.run("print(sys.stdin.read())", OWN="1", TRIG_FORK="0") == 0
    alone = place.said()
    assert not place.servers()
    for own in ("2", "3"):
        assert place.run("print(sys.stdin.read())", OWN=own) == 0
        said = place.said()
        differs = {"pid", "parent", "own", "loaded"}
        assert {key: said[key] for key in said.keys() - differs} == {key: alone[key] for key in alone.keys() - differs}
        assert (said["own"], said["loaded"], said["parent"]) == (own, own == "3", place.servers()[0])
    assert alone["argv"] == ["print(sys.stdin.read())", "two words"]
    assert (place.folder / "out").read_text() == "VALUE = 1\n\n" * 3


@pytest.mark.parametrize(
    ("does", "status", "said"),
    [
        ("sys.exit(2)", 2, ""),
        ('sys.exit("error: a line")', 1, "error: a line\n"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -11, ""),
        ('import atexit; atexit.register(print, "the last")', 0, "the last\n"),
    ],
)
def test_it_ends_as_its_fork_does(place: Place, does: str, status: int, said: str) -> None:
    for own in ("0", "1"):
        (place.folder / "out").write_text("")
        assert place.run(does, TRIG_FORK=own) == status
        assert said in (place.folder / "out").read_text()
    assert place.run() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_fork(place: Place, number: signal.Signals) -> None:
    program = place.begin(WAITS)
    fork = place.said()["pid"]
    os.kill(program, number)
    assert place.end() == (130 if number is signal.SIGINT else -number), (place.folder / "out").read_text()
    assert gone(int(str(fork)))
    assert place.run() == 0


def test_it_waits_and_goes_on(place: Place) -> None:
    program = place.begin(WAITS)
    fork = int(str(place.said()["pid"]))
    os.kill(program, signal.SIGTSTP)
    until(lambda: (state(program), state(fork)) == ("T", "T"))
    os.kill(program, signal.SIGCONT)
    until(lambda: "T" not in (state(program), state(fork)))
    os.kill(program, signal.SIGINT)
    assert place.end() == 130
    assert "interrupted ['CONT']" in (place.folder / "out").read_text()


def test_a_killed_program_has_no_fork_that_goes_on(place: Place) -> None:
    program = place.begin(WAITS)
    fork = int(str(place.said()["pid"]))
    os.kill(program, signal.SIGKILL)
    assert place.end() == -9
    until(gone, fork)
    assert place.run() == 0


@pytest.mark.parametrize("shell", ["exec", ""])
def test_nothing_is_left_of_a_killed_owner(place: Place, shell: str) -> None:
    program = place.begin(WAITS, shell=shell)
    left = [program, int(str(place.said()["pid"])), *place.servers()]
    assert len(left) == 3
    place.owner.kill()
    place.owner.wait()
    if not shell:
        os.kill(program, signal.SIGKILL)  # a shell between them outlives its parent, as it does without a server
    for each in left:
        until(gone, each)


def test_without_its_server_a_program_ends_with_a_line(place: Place) -> None:
    place.begin(WAITS)
    fork = int(str(place.said()["pid"]))
    os.kill(place.servers()[0], signal.SIGKILL)
    assert place.end() == 1
    until(gone, fork)
    assert (place.folder / "out").read_text().endswith("was killed; run again\n")
    assert place.run() == 0


def test_edited_code_is_loaded_anew(place: Place) -> None:
    values, given = [], [1, 22, 22, 333]  # of several lengths: Python tells compiled files by the second and the size
    for value in given:
        (place.folder / "edited.py").write_text(f"VALUE = {value}\n")
        assert place.run() == 0
        values.append(place.said()["edited"])
    assert values == given
    assert len(place.servers()) == 1


def test_a_file_of_tomorrow_keeps_nobody_waiting(place: Place) -> None:
    for number in range(3):
        os.utime(place.folder / "edited.py", (time.time() + 10**5,) * 2)
        assert place.run(OWN=str(number)) == 0


def test_beside_a_gpu_and_by_hand_nothing_is_forked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-m", "stages.judge"])
    monkeypatch.setenv(handover.STAGE, "judge")
    gpu = tmp_path / "gpu"
    monkeypatch.setattr(handover, "GPU", gpu)
    assert handover._can_be_forked()
    gpu.touch()
    assert not handover._can_be_forked()
    gpu.unlink()
    monkeypatch.delenv(handover.STAGE)
    assert not handover._can_be_forked()
