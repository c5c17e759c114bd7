"""The server of forked stages: a fork is to its owner, its shell and its user what a process of its own would be, and has the libraries loaded."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import workplace

from trig.run import handover, modules
from trig.run.parent import STAGE
from trig.testing.programs import ROOT, processes

OWNER = """
import json, signal, subprocess, sys
for each in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(each, signal.SIG_DFL)  # what runs the tests may ignore them, as nohup does
signal.signal(signal.SIGINT, signal.default_int_handler)
for line in sys.stdin:
    command, environment = json.loads(line)
    program = subprocess.Popen(command, env=environment)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(program.pid, flush=True)
    print(program.wait(), flush=True)
    signal.signal(signal.SIGINT, before)
"""
"""Runs commands as `dvc` does: one after the other, each with its own environment, and deaf to Ctrl-C meanwhile."""
PROBE = """
import json, os, signal, sys, time
from pathlib import Path
began = "colorsys" in sys.modules
import colorsys, edited
heard = []
for each in (signal.SIGCONT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(each, lambda number, _: heard.append(signal.Signals(number).name))
def main(does, *more):
    said = {"pid": os.getpid(), "parent": os.getppid(), "argv": sys.argv[1:], "name": __name__, "folder": os.getcwd(), "loaded": began}
    said |= {"own": os.environ.get("OWN"), "imported": os.environ.get("IMPORTED"), "edited": edited.VALUE, "terminal": sys.stdout.isatty()}
    Path("said.new").write_text(json.dumps(said))
    Path("said.new").rename("said")
    exec(compile(does, "does", "exec"))
try:
    main(*sys.argv[1:])
except KeyboardInterrupt:
    print("interrupted", heard)
    sys.exit(130)
"""
WAITS = "time.sleep(600)"
LISTENS = "while not heard: time.sleep(0.01)\nprint(heard[0])"
SOON = 60.0
"""Seconds within which a process is to have ended."""


class Place:
    """A project whose package `stages` has two programs, and an owner that runs them."""

    def __init__(self, folder: Path, terminal: str | None = None) -> None:
        self.folder = folder
        (folder / "stages").mkdir(exist_ok=True)
        (folder / "stages/__init__.py").write_text("from trig.run import handover\nhandover.GPUS = ()\nhandover.hand_over()\n")
        (folder / "stages/probe.py").write_text(PROBE)
        (folder / "stages/other.py").write_text(PROBE.replace("colorsys", "wave"))
        (folder / "edited.py").write_text("VALUE = 1\n")
        command = [sys.executable, "-c", OWNER]
        if terminal:
            command = [sys.executable, "-c", f"import os; os.setsid(); os.open({terminal!r}, os.O_RDWR)\n{OWNER}"]
        own = {name: value for name, value in os.environ.items() if name not in {STAGE, handover.SWITCH}}
        owned = own | {"PYTHONPATH": str(ROOT)}
        self.owner = subprocess.Popen(command, cwd=folder, env=owned, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.environment = owned

    def begin(self, does: str = "", shell: str = "exec", streams: str = ">>out 2>&1 <edited.py", name: str = "probe", **more: str) -> int:
        """The pid of the program that the owner started; its output goes to a file."""
        (self.folder / "said").unlink(missing_ok=True)
        program = f"{shell} {sys.executable} -m stages.{name} '{does}' 'two words' {streams}; exit $?"
        assert self.owner.stdin
        self.owner.stdin.write(json.dumps([["sh", "-c", program], self.environment | {STAGE: name} | more]) + "\n")
        self.owner.stdin.flush()
        return self._number()

    def end(self) -> int:
        """The status with which it ended."""
        return self._number()

    def _number(self) -> int:
        """A line of the owner's, read without reading ahead."""
        assert self.owner.stdout
        said, stream = b"", self.owner.stdout.fileno()
        while not said.endswith(b"\n"):
            assert select.select([stream], [], [], SOON)[0], "it goes on"
            said += os.read(stream, 1)
        return int(said)

    def run(self, does: str = "", **more: str) -> int:
        """Of a program that ends by itself."""
        self.begin(does, **more)
        return self.end()

    def said(self) -> dict[str, object]:
        """What the program wrote at its beginning."""
        file = self.folder / "said"
        until(file.exists)
        return dict(json.loads(file.read_text()))

    def close(self) -> None:
        """Ends the owner, and waits for the end of its servers."""
        servers = self.servers()
        self.owner.kill()
        self.owner.communicate()
        until(lambda: all(map(gone, servers)))

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
        found.close()


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
        ("sys.exit(300)", 300 % 256, ""),
        ("sys.exit(-1)", 255, ""),
        ('import atexit; atexit.register(print, "the last")', 0, "the last\n"),
        ('import atexit; atexit.register(print, "the last"); sys.exit(3)', 3, "the last\n"),
        ('import atexit; atexit.register(int, "x")', 0, "ValueError"),
        ('import threading; threading.Thread(target=lambda: (time.sleep(0.2), print("the last"))).start()', 0, "the last\n"),
        ('from concurrent.futures import *; ThreadPoolExecutor().submit(lambda: (time.sleep(0.2), print("the last")))', 0, "the last\n"),
        ('sys.stdout.write("no end of line")', 0, "no end of line"),
        ('import ctypes; ctypes.CDLL(None).printf(b"from C\\n")', 0, "from C\n"),
        ("sys.stdout.close()", 0, ""),
    ],
)
def test_it_ends_as_its_fork_does(place: Place, does: str, status: int, said: str) -> None:
    for own in ("0", "1"):
        (place.folder / "out").write_text("")
        assert place.run(does, TRIG_FORK=own) == status
        assert said in (place.folder / "out").read_text()
    assert place.run() == 0


def test_an_interrupt_reaches_the_fork(place: Place) -> None:
    program = place.begin(WAITS)
    fork = int(str(place.said()["pid"]))
    os.kill(program, signal.SIGINT)
    assert place.end() == 130
    assert gone(fork)
    assert place.run() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_reaches_the_fork(place: Place, number: signal.Signals) -> None:
    program = place.begin(LISTENS)
    place.said()
    os.kill(program, number)
    assert place.end() == 0
    assert (place.folder / "out").read_text() == f"{number.name}\n"


def test_an_ignored_signal_stays_ignored(place: Place) -> None:
    program = place.begin(LISTENS, shell='trap "" HUP INT; exec')
    place.said()
    for number in (signal.SIGHUP, signal.SIGINT):
        os.kill(program, number)
    os.kill(program, signal.SIGQUIT)
    assert place.end() == 0
    assert (place.folder / "out").read_text() == "SIGQUIT\n"


def test_an_interrupt_at_any_moment_ends_it(place: Place) -> None:
    (place.folder / "edited.py").write_text("import time\ntime.sleep(0.3)\nVALUE = 1\n")  # the server imports it after the first run
    for wait in (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3):
        program = place.begin(WAITS)
        time.sleep(wait)
        os.kill(program, signal.SIGINT)
        assert place.end() in {130, -signal.SIGINT, 1}, wait  # 1: Python itself was starting
    assert place.run() == 0


def test_it_is_suspended_and_goes_on(place: Place) -> None:
    program = place.begin(WAITS)
    fork = int(str(place.said()["pid"]))
    os.kill(program, signal.SIGTSTP)
    until(lambda: (state(program), state(fork)) == ("T", "T"))
    os.kill(program, signal.SIGCONT)
    until(lambda: "T" not in (state(program), state(fork)))
    os.kill(program, signal.SIGINT)
    assert place.end() == 130
    assert "interrupted ['SIGCONT'" in (place.folder / "out").read_text()


def test_a_terminal_interrupts_a_fork_and_does_not_stop_it(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    master, slave = os.openpty()
    place = Place(tmp_path / "place", os.ttyname(slave))
    try:
        assert place.run('open("/dev/tty").read()') == 1
        assert "Input/output error" in (place.folder / "out").read_text()
        place.begin(WAITS)
        place.said()
        os.write(master, b"\3")  # Ctrl-C
        assert place.end() == 130
        assert place.run('print("written", file=open("/dev/tty", "w"))') == 0
        shown = b""
        while b"written" not in shown:
            shown += os.read(master, 100)
    finally:
        place.close()
        os.close(master)
        os.close(slave)


def test_a_killed_program_has_no_fork_that_goes_on(place: Place) -> None:
    program = place.begin(WAITS)
    fork = int(str(place.said()["pid"]))
    os.kill(program, signal.SIGKILL)
    assert place.end() == -9
    until(gone, fork)
    assert place.run() == 0


@pytest.mark.parametrize("shell", ["exec", ""])
def test_nothing_is_left_of_a_killed_owner(place: Place, shell: str) -> None:
    program = place.begin(f'signal.signal(signal.SIGTERM, signal.SIG_DFL); Path("mortal").touch(); {WAITS}', shell=shell)
    until((place.folder / "mortal").exists)
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


def both(folder: Path) -> object:
    """Runs one program and then the other, for a new owner; returns whether the other found loaded what it needs."""
    place = Place(folder)
    for name in ("probe", "other"):
        assert place.run("time.sleep(0.5)", name=name) == 0
    found = place.said()["loaded"]
    until(lambda: '"wave"' in (folder / ".trig/programs.json").read_text())
    place.close()
    return found


def test_what_came_next_the_last_time_is_loaded_beforehand(tmp_path: Path) -> None:
    assert not both(tmp_path)
    until(both, tmp_path)


def test_and_when_the_stage_is_over_as_long_as_nobody_asks(tmp_path: Path) -> None:
    """`dvc` looks at what is unchanged for seconds, with nothing to run."""
    place = Place(tmp_path)
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(1)\n")
    (memory := tmp_path / ".trig/programs.json").parent.mkdir()
    memory.write_text(json.dumps([1, {"stages.probe": [[], "stages.other"], "stages.other": [["slow", "wave"], ""]}]))
    for name in ("probe", "other"):
        assert place.run(name=name) == 0
        time.sleep(2)
    assert place.said()["loaded"]
    place.close()


IMPORTED = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*{"altair", "great_expectations", "polars", "scipy", "torch", "vl_convert"} & sys.modules.keys())
"""


def test_where_nothing_is_remembered_the_stages_of_a_study_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, "FILE", tmp_path / "programs.json")
    runs, known = modules._remembered()
    turns = ["stages.params"]
    while following := known[turns[-1]].following:
        turns.append(following)
    assert runs == 1 and turns == [f"stages.{name}" for name in ("params", "classify", "gate_relations", "report")]
    assert all(find_spec(program) for program in turns)
    names = [name for program in turns for name in known[program].modules]
    told = workplace.python("-c", IMPORTED, *names, cwd=workplace.ROOT)
    assert set(told.stdout.split()) == {"altair", "great_expectations", "polars", "scipy", "vl_convert"}, told.stderr


def test_what_is_remembered_is_learnt_anew_now_and_then(tmp_path: Path) -> None:
    both(tmp_path)
    memory = tmp_path / ".trig/programs.json"
    runs, known = json.loads(memory.read_text())
    known["stages.other"][0].append("sndhdr")
    for begun in (runs, modules.RUNS):
        memory.write_text(json.dumps([begun, known]))
        both(tmp_path)
        assert ("sndhdr" in memory.read_text()) == (begun == runs)


def test_a_guess_that_ends_the_server_is_made_once(place: Place) -> None:
    (place.folder / "deadly.py").write_text("import os\nos._exit(1)\n")
    (place.folder / "leaving.py").write_text("raise SystemExit(1)\n")
    (memory := place.folder / ".trig/programs.json").parent.mkdir()
    memory.write_text(json.dumps([1, {"stages.probe": [[], "stages.other"], "stages.other": [["leaving"], ""]}]))
    assert place.run("time.sleep(0.5)") == 0
    os.kill(place.servers()[0], signal.SIGKILL)
    memory.write_text(json.dumps([1, {"stages.probe": [[], "stages.other"], "stages.other": [["deadly"], ""]}]))
    assert [place.run("time.sleep(0.5)") for _ in range(3)] == [1, 0, 0]


@pytest.mark.parametrize(
    "damaged",
    ["", "{", "[]", "[" * 200_000, '[1, {"stages.probe": 1}]', '["1", {}]', '[1, {"stages.probe": [["no.such"], "stages.probe"]}]'],
)
def test_what_is_remembered_may_be_damaged(place: Place, damaged: str) -> None:
    assert place.run() == 0
    until((memory := place.folder / ".trig/programs.json").exists)
    os.kill(place.servers()[0], signal.SIGKILL)
    memory.write_text(damaged)
    for _ in range(2):
        assert place.run("time.sleep(0.1)") == 0
        assert place.said()["parent"] in place.servers()


def test_where_nothing_can_be_remembered_stages_run(place: Place) -> None:
    (place.folder / ".trig").write_text("a file")
    for _ in range(2):
        assert place.run() == 0
        assert place.said()["parent"] in place.servers()


def test_a_file_of_tomorrow_keeps_nobody_waiting(place: Place) -> None:
    for number in range(3):
        os.utime(place.folder / "edited.py", (time.time() + 10**5,) * 2)
        assert place.run(OWN=str(number)) == 0


def test_what_an_import_changes_in_the_environment_is_there_for_every_fork(place: Place) -> None:
    (place.folder / "edited.py").write_text("import os\nos.environ.setdefault('IMPORTED', 'by import')\nVALUE = 1\n")
    time.sleep(0.2)  # or the server would begin anew
    for own in ("1", "2", "3", "4", "5"):
        if own == "3":
            (place.folder / "edited.py").write_text((place.folder / "edited.py").read_text().replace("= 1", "= 33"))
        assert place.run(OWN=own) == 0
        assert (place.said()["own"], place.said()["imported"]) == (own, "by import")
        time.sleep(0.2)
    assert (place.said()["loaded"], place.said()["edited"]) == (True, 33)


def test_a_suspended_client_holds_its_fork_back(place: Place) -> None:
    (place.folder / "edited.py").write_text("import time\ntime.sleep(1)\nVALUE = 1\n")
    assert place.run() == 0  # and the server imports it now
    program = place.begin('Path("ran").touch()')
    time.sleep(0.3)
    os.kill(program, signal.SIGSTOP)
    time.sleep(2)
    assert not (place.folder / "ran").exists()
    os.kill(program, signal.SIGCONT)
    assert place.end() == 0
    assert (place.folder / "ran").exists()


def test_a_stage_may_run_a_stage(place: Place) -> None:
    inner = 'import subprocess; sys.exit(subprocess.call([sys.executable, "-m", "stages.probe", "sys.exit(7)"]))'
    for _ in range(2):
        assert place.run(inner) == 7


def test_a_request_that_cannot_be_met_ends_and_the_server_goes_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place.run() == 0
    monkeypatch.chdir(place.folder)
    read, write = os.pipe()
    with socket.socket(socket.AF_UNIX) as server, Path(os.devnull).open("r+b") as null:
        server.connect(handover.address(place.owner.pid))
        said = json.dumps([["stages.probe", ""], str(place.folder / "nowhere"), {}]).encode()
        socket.send_fds(server, [handover.SIZE.pack(len(said))], [*[null.fileno()] * 3, read])
        server.sendall(said)
        ended, status = handover.NEWS.unpack(server.recv(handover.NEWS.size))
    os.close(read)
    os.close(write)
    assert (ended, os.waitstatus_to_exitcode(status)) == (True, 1)
    assert place.run() == 0
    assert len(place.servers()) == 1


@pytest.mark.parametrize(("number", "streams"), [(0, "<&- >>out 2>&1"), (1, "<edited.py >&- 2>>out"), (2, "<edited.py >>out 2>&-")])
def test_a_closed_stream_is_nobody_elses(place: Place, number: int, streams: str) -> None:
    assert place.run() == 0
    place.begin(f"os.fstat({number})", streams=streams)
    assert place.end() == 1


def test_dvc_runs_stages_as_forks_and_leaves_nothing(place: Place) -> None:
    stages = {
        name: {"cmd": f"{sys.executable} -m stages.probe 'Path(\"{name}\").write_text(str(began))'", "outs": [name]} for name in "abc"
    }
    stages["b"]["deps"], stages["c"]["deps"] = ["a"], ["b"]
    (place.folder / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    dvc = Path(sys.executable).with_name("dvc")
    own = place.environment | {"DVC_NO_ANALYTICS": "1"}
    subprocess.run([dvc, "init", "--no-scm", "-q"], cwd=place.folder, env=own, check=True)
    with subprocess.Popen([dvc, "repro", "-q"], cwd=place.folder, env=own) as program:
        assert program.wait() == 0
        assert [(place.folder / name).read_text() for name in "abc"] == ["False", "True", "True"]
        until(lambda: not any(f"forkserver\0{program.pid}\0" in _command(pid) for pid, *_ in processes()))


def test_beside_a_gpu_and_by_hand_nothing_is_forked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-m", "stages.judge"])
    monkeypatch.setenv(STAGE, "judge")
    monkeypatch.delenv(handover.SWITCH, raising=False)
    gpu = tmp_path / "gpu"
    monkeypatch.setattr(handover, "GPUS", (str(gpu),))
    assert handover._can_be_forked()
    gpu.touch()
    assert not handover._can_be_forked()
    gpu.unlink()
    monkeypatch.delenv(STAGE)
    assert not handover._can_be_forked()
