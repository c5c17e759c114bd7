"""`python -m`, `dvc` and `trig` that run in processes forked with the libraries loaded: starting them would take most of a test's time.

python tests/forked.py SOCKET [MODULE ...]
"""

import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOADED = (
    *("dvc.cli", "dvc.repo", "dvc.commands.repro", "dvc.commands.experiments.run", "dvc.commands.data_sync", "dvc_s3", "s3fs", "sshfs"),
    *("trig.cli.main", "trig.gates.gx", "trig.report.digest", "trig.report.publish", "trig.classify.relations", "trig.classify.change"),
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


@contextmanager
def programs(folder: Path, environment: Mapping[str, str], *more: str) -> Iterator[Path]:
    """A folder for the PATH, with programs that the server runs; `more`: modules that are loaded too."""
    place, found = folder / "socket", folder / "bin"
    found.mkdir()
    for name in PROGRAMS:
        (found / name).write_text(CLIENT.format(python=sys.executable, place=str(place)), "utf-8")
        (found / name).chmod(0o755)
    with (folder / "log").open("wb") as log:
        command = [sys.executable, __file__, str(place), *more]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        while not place.exists():
            assert server.poll() is None, (folder / "log").read_text("utf-8")
            time.sleep(0.05)
        yield found
    finally:
        server.terminate()
        server.wait()


def serve(place: str, *more: str) -> None:
    """Forks a process for each program that a client names."""
    for name in (*LOADED, *more):
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place}.new")
        listener.listen(64)
        Path(f"{place}.new").rename(place)
        while True:
            client, _ = listener.accept()
            with client:
                if os.fork() == 0:
                    listener.close()
                    _answer(client)


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
    serve(*sys.argv[1:])
