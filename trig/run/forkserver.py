"""Forks a process for each stage that its owner runs, from one that has the libraries loaded: importing torch and diffusers anew takes seconds.

python -m trig.run.forkserver OWNER LISTENER
"""

import atexit
import ctypes
import fcntl
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Self

from trig.run import compiled, garbage
from trig.run.handover import NEWS, READY, SIZE, STREAMS, SWITCH, blocked, peer
from trig.run.modules import Modules, loaded


@dataclass(frozen=True, slots=True)
class Request:
    """A program, where it is to run and what it is connected with."""

    command: list[str]  # module and arguments
    folder: str
    environment: dict[str, str]
    streams: list[int]  # standard input, output and error
    pipe: int  # breaks when the client dies

    @classmethod
    def read(cls, client: socket.socket) -> Self:
        """Raises ValueError where the client says nothing, or died."""
        size, files, *_ = socket.recv_fds(client, SIZE.size, len(STREAMS) + 1)
        if len(size) < SIZE.size or len(files) != len(STREAMS) + 1:
            raise ValueError(size)
        (length,) = SIZE.unpack(size)
        command, folder, environment = json.loads(client.recv(length, socket.MSG_WAITALL))
        return cls(command, folder, environment, files[:-1], files[-1])

    def close(self) -> None:
        """The server's copies."""
        for each in (*self.streams, self.pipe):
            os.close(each)

    def broken(self) -> bool:
        """Whether the client is no more."""
        return bool(select.select([self.pipe], [], [], 0)[0])


@dataclass(frozen=True, slots=True)
class Fork:
    """What a fork is to run, and the file in memory where it tells what modules it had loaded."""

    command: list[str]
    told: int

    def run(self) -> None:
        """`python -m MODULE ARGUMENTS`; ends as it does."""
        sys.argv, code = self.command, None
        try:
            runpy.run_module(self.command[0], run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            code = ended.code
        finally:
            os.pwrite(self.told, json.dumps(loaded()).encode(), 0)
            gc.unfreeze()  # or Python, where it ends itself, would not free what extensions count, and they would complain
        if not isinstance(code, int | None):
            raise SystemExit(code)
        _end(code or 0)


def _end(code: int) -> None:
    """Ends this process as Python does at last, but without freeing what is loaded, which takes up to a second: as `multiprocessing` ends a fork."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream and not stream.closed:
            stream.flush()
    ctypes.CDLL(None).fflush(None)  # what C has not written yet
    os._exit(code & 0xFF)


def serve(owner: int, listener: socket.socket) -> Fork | None:
    """Returns in each fork; and in the server, with None, when its owner is no more."""
    try:
        ends = listener.fileno(), os.pidfd_open(owner)
    except OSError:
        return None
    before, modules, forks = dict(os.environ), Modules(ends[1]), 0
    while listener.fileno() in select.select(ends, [], [])[0]:
        if forks and modules.edited():
            listener.set_inheritable(True)
            os.execve(sys.executable, sys.orig_argv, before)
        compiled.spare()
        client, _ = listener.accept()
        forks += 1
        with client, suppress(ValueError, OSError):
            if peer(client) == os.getuid() and (fork := _forked(Request.read(client), client, modules, before)):
                return fork
        modules.load_left(listener.fileno())
    return None


def _forked(request: Request, client: socket.socket, modules: Modules, before: Mapping[str, str]) -> Fork | None:
    """Waits for the end of the fork: `dvc` runs one stage at a time."""
    gc.freeze()
    told = os.memfd_create("modules")
    with blocked():
        pid = os.fork()
        if pid == 0:
            _become(request, client, before)
            return Fork(request.command, told)
    request.close()
    modules.load_next(request.command[0], pid)
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):
        client.sendall(NEWS.pack(True, status))
    client.close()
    modules.load_used(request.command[0], os.pread(told, os.fstat(told).st_size, 0))
    os.close(told)
    return None


def _become(request: Request, client: socket.socket, before: Mapping[str, str]) -> None:
    """A process like the client's, which is killed when the client is. It begins when the client forwards signals, and ends where it cannot become one."""
    try:
        os.setpgid(0, 0)
        for each in (signal.SIGTTIN, signal.SIGTTOU):  # it is in the background of the terminal, and nobody would bring it to the front
            signal.signal(each, signal.SIG_IGN)
        fcntl.fcntl(request.pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(request.pipe, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(request.pipe, fcntl.F_SETFL, fcntl.fcntl(request.pipe, fcntl.F_GETFL) | os.O_ASYNC)
        if request.broken():
            os._exit(1)
        for stream, own in zip(request.streams, STREAMS, strict=True):
            os.dup2(stream, own)
            os.close(stream)
        os.chdir(request.folder)
        _surround(request.environment, before)
        for stream, name in zip(STREAMS, ("stdin", "stdout", "stderr"), strict=True):
            setattr(sys, name, _opened(stream, getattr(sys, name)))
        client.sendall(NEWS.pack(False, os.getpid()))
        if client.recv(len(READY)) != READY:
            os._exit(1)
    finally:
        if sys.exception():  # or it would go on as a second server
            traceback.print_exc()
            os._exit(1)


def _surround(environment: Mapping[str, str], before: Mapping[str, str]) -> None:
    """The client's environment, with what imports changed in the server's; what the fork starts is no fork, since the server waits for this one."""
    kept = {name: value for name, value in os.environ.items() if value != before.get(name) and environment.get(name) == before.get(name)}
    os.environ.clear()
    os.environ.update({**environment, **kept, SWITCH: "0"})


def _opened(stream: int, as_before: TextIOWrapper) -> TextIOWrapper:
    """Python's own were made for what the server was connected with: whether one can seek there, and whether people read it."""
    if stream == 0:
        return open(stream, encoding=as_before.encoding, errors=as_before.errors, closefd=False)
    unbuffered, by_line = as_before.write_through, stream == 2 or os.isatty(stream)
    raw = FileIO(stream, "w", closefd=False)
    return TextIOWrapper(raw if unbuffered else BufferedWriter(raw), as_before.encoding, as_before.errors, None, by_line, unbuffered)


if __name__ == "__main__":
    compiled.spare()
    garbage.seldom()
    with socket.socket(fileno=int(sys.argv[2])) as opened:
        opened.set_inheritable(False)
        forked = serve(int(sys.argv[1]), opened)
    if forked:
        forked.run()
