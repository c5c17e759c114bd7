"""Forks a process for each stage that its owner runs, from one that has the libraries loaded: importing torch and diffusers anew takes seconds.

python -m trig.run.forkserver OWNER LISTENER
"""

import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from time import time_ns
from typing import IO, Self

from trig.run import compiled, garbage
from trig.run.handover import NUMBER, SIZE, STREAMS, peer

RECENT = 10**8
"""Nanoseconds: clocks of file systems are coarser than Python's."""


@dataclass(frozen=True, slots=True)
class Request:
    """A program, where it is to run and what it is connected with."""

    command: list[str]  # module and arguments
    folder: str
    environment: dict[str, str]
    streams: list[int]  # standard input, output and error
    alive: int  # a pipe that breaks when the client dies

    @classmethod
    def read(cls, client: socket.socket) -> Self:
        """Raises ValueError where the client says nothing, or died."""
        size, streams, *_ = socket.recv_fds(client, SIZE.size, len(STREAMS) + 1)
        if len(size) < SIZE.size or len(streams) != len(STREAMS) + 1:
            raise ValueError(size)
        (length,) = SIZE.unpack(size)
        command, folder, environment = json.loads(client.recv(length, socket.MSG_WAITALL))
        return cls(command, folder, environment, streams[:-1], streams[-1])

    def close(self) -> None:
        """Of the server's copies, when the fork has its own."""
        for each in (*self.streams, self.alive):
            os.close(each)


class Modules:
    """Modules that forks had loaded at their end: imported before the next fork."""

    def __init__(self) -> None:
        self._times = _times(time_ns())

    def load(self, told: int) -> None:
        """What a fork wrote into a file in memory. What cannot be imported, the next fork will try itself."""
        began = time_ns()
        text = os.pread(told, os.fstat(told).st_size, 0)
        for name in json.loads(text or "[]"):
            if name not in sys.modules:
                with suppress(Exception):
                    importlib.import_module(name)
        self._times = _times(began) | self._times

    def edited(self) -> bool:
        """Whether the file of a loaded module may not be the one that was loaded."""
        return any(_time(file) != time for file, time in self._times.items())


def _times(began: int) -> dict[str, int | None]:
    """When the files of modules were written, in nanoseconds; None: when they were loaded, or so shortly before that nobody knows what was."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    times = {file: _time(file) for file in files if isinstance(file, str)}
    return {file: time if time < began - RECENT else None for file, time in times.items() if time is not None}


def _time(file: str) -> int | None:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class Fork:
    """What a fork is to run, and the file in memory where it tells what modules it had loaded."""

    command: list[str]
    told: int

    def run(self) -> None:
        """`python -m MODULE ARGUMENTS`; ends as it does."""
        sys.argv, sys.path[0] = self.command, str(Path.cwd())
        try:
            runpy.run_module(self.command[0], run_name="__main__", alter_sys=True)
        finally:
            os.pwrite(self.told, json.dumps(_loaded()).encode(), 0)
            gc.unfreeze()  # or Python would not free at its end what extensions count, and they would complain


def serve(owner: int, listener: socket.socket) -> Fork | None:
    """Returns in each fork; and in the server, with None, when its owner is no more."""
    modules = Modules()
    try:
        life = os.pidfd_open(owner)
    except OSError:
        return None
    ends, forks = [listener.fileno(), life], 0
    while listener.fileno() in select.select(ends, [], [])[0]:
        if forks and modules.edited():
            listener.set_inheritable(True)
            os.execv(sys.executable, sys.orig_argv)
        client, _ = listener.accept()
        forks += 1
        with client, suppress(ValueError, OSError):
            if peer(client) == os.getuid() and (fork := _forked(Request.read(client), client, modules)):
                return fork
    return None


def _forked(request: Request, client: socket.socket, modules: Modules) -> Fork | None:
    """Waits for the end of the fork: `dvc` runs one stage at a time."""
    gc.freeze()
    told = os.memfd_create("modules")
    pid = os.fork()
    if pid == 0:
        _become(request)
        return Fork(request.command, told)
    request.close()
    with suppress(OSError):
        client.sendall(NUMBER.pack(pid))
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):
        client.sendall(NUMBER.pack(status))
    client.close()
    modules.load(told)
    os.close(told)
    return None


def _become(request: Request) -> None:
    """A process like the client's, which is killed when the client is."""
    os.setpgid(0, 0)
    fcntl.fcntl(request.alive, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(request.alive, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(request.alive, fcntl.F_SETFL, fcntl.fcntl(request.alive, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([request.alive], [], [], 0)[0]:  # it broke before
        os.kill(os.getpid(), signal.SIGKILL)
    for stream, own in zip(request.streams, STREAMS, strict=True):
        os.dup2(stream, own)
        os.close(stream)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    for stream, (name, mode) in zip(STREAMS, (("stdin", "r"), ("stdout", "w"), ("stderr", "w")), strict=True):
        setattr(sys, name, _opened(stream, mode, getattr(sys, name)))


def _opened(stream: int, mode: str, as_before: TextIOWrapper) -> IO[str]:
    """Python's own were made for what the server was connected with: whether one can seek there, and whether people read it."""
    by_line = os.isatty(stream) or stream == 2
    return open(stream, mode, 1 if by_line else -1, as_before.encoding, as_before.errors, closefd=False)


def _loaded() -> list[str]:
    """Modules of files: first ours, which know how a library is to be imported; then what is left of the libraries, the outermost first.

    `sys.modules` has them in the order in which their imports ended.
    """
    names = [name for name, module in sys.modules.items() if isinstance(getattr(module, "__file__", None), str) and name != "__main__"]
    own = [name for name in names if name.startswith("trig.")]
    return [*own, *reversed([name for name in names if name not in own])]


if __name__ == "__main__":
    compiled.spare()
    garbage.seldom()
    with socket.socket(fileno=int(sys.argv[2])) as opened:
        opened.set_inheritable(False)
        forked = serve(int(sys.argv[1]), opened)
    if forked:
        forked.run()
