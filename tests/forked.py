"""`python -m`, `dvc` and `trig` that run in processes forked with the libraries loaded: starting them would take most of a test's time.

python tests/forked.py FOLDER PID
"""

import fcntl
import gc
import importlib
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any

LOADED = (
    *("dvc.cli.parser", "dvc.repo.plots", "dvc.repo.datasets", "dvc.repo.experiments.queue.celery", "dvc.scm", "dvc_s3", "s3fs", "sshfs"),
    *("hydra", "networkx", "pygit2"),
    *("trig.cli.main", "trig.gates.gx", "trig.report.digest", "trig.report.publish", "trig.classify.relations", "trig.classify.change"),
    *(
        "trig.backends.trainers.diffusers",
        "trig.backends.judges.transformers",
        "trig.backends.judges.openai",
        "trig.backends.painters.openai",
    ),
    *("scipy.special", "trig.llm.clients"),
)
CLIENT = """#!{python} -IS
import json, os, socket, sys
name, asked = os.path.basename(sys.argv[0]), sys.argv[1:]
if name == "python" and asked[:1] != ["-m"]:
    os.execv({python!r}, [{python!r}, *asked])
command = asked[1:] if name == "python" else [{{"dvc": "dvc", "trig": "trig.cli"}}[name], *asked]
with socket.socket(socket.AF_UNIX) as server:
    server.connect({place!r})
    said = json.dumps([command, os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(said).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(said)
    sys.exit(int(server.recv(8) or b"70"))
"""
PROGRAMS = ("python", "dvc", "trig")


@cache
def programs(environment: Callable[[], Mapping[str, str]]) -> Path:
    """A folder for the PATH, with programs that one server runs for all workers. Whoever asks first starts it; it ends when the run of tests does."""
    worker = "PYTEST_XDIST_WORKER" in os.environ
    run, name = (os.getppid(), os.environ["PYTEST_XDIST_TESTRUNUID"]) if worker else (os.getpid(), str(os.getpid()))
    folder = Path(gettempdir()) / f"trig-forked-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "socket").exists():
            _start(folder, run, environment())
    return folder / "bin"


def _start(folder: Path, run: int, environment: Mapping[str, str]) -> None:
    (folder / "bin").mkdir()
    for name in PROGRAMS:
        file = folder / "bin" / name
        file.write_text(CLIENT.format(python=sys.executable, place=str(folder / "socket")), "utf-8")
        file.chmod(0o755)
    with (folder / "log").open("wb") as log:
        command = [sys.executable, __file__, str(folder), str(run)]
        started = subprocess.run(command, env=environment, stdout=log, stderr=log, start_new_session=True, check=False)
    assert started.returncode == 0, (folder / "log").read_text("utf-8")


def serve(folder: Path, run: int) -> None:
    """Forks a process for each program that a client names, as long as there is the process of the run of tests."""
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "new"))
        listener.listen(64)
        listener.settimeout(1)
        (folder / "new").rename(folder / "socket")
        if os.fork():
            os._exit(0)  # it is ready, and nobody waits for its end
        while _goes_on(run):
            with suppress(TimeoutError):
                client, _ = listener.accept()
                with client:
                    if os.fork() == 0:
                        listener.close()
                        client.setblocking(True)
                        _answer(client)
    shutil.rmtree(folder)


def _goes_on(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _answer(client: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, *_ = socket.recv_fds(client, 8, 3)
    command, folder, environment = json.loads(_read(client, int.from_bytes(size, "big")))
    for stream, own in enumerate(streams):
        os.dup2(own, stream)
        os.close(own)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    code = 1
    try:
        code = _run(command)
    finally:  # a bug's traceback is printed here, and no finaliser of the server runs
        if sys.exception():
            traceback.print_exc()
        for out in (sys.stdout, sys.stderr):
            out.flush()
        client.sendall(str(code).encode())
        os._exit(code)


def _run(command: list[str]) -> int:
    """`python -m MODULE ARGUMENTS`."""
    sys.argv, sys.path[0] = command, str(Path.cwd())
    try:
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return _code(end.code)
    return 0


def _code(said: Any) -> int:
    if isinstance(said, int) or said is None:
        return said or 0
    print(said, file=sys.stderr)
    return 1


def _read(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += client.recv(size - len(found))
    return found


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
