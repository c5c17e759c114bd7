"""Hands the program of a stage to a fork of one server per `dvc`, which has the libraries loaded that the stages before it needed."""

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from types import FrameType

from trig.run.parent import STAGE, die_with_parent

SWITCH = "TRIG_FORK"
"""Environment variable; 0: each stage is a process of its own from the start."""
GPUS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""One of these is there where a GPU is: NVIDIA's, one behind WSL2, AMD's."""
SIZE = struct.Struct("=Q")
"""Length of a request."""
NEWS = struct.Struct("=?i")
"""What a client is told: False and the fork's pid when that runs; True and its wait status when it ended."""
READY = b"1"
"""What a client answers when it forwards signals; the fork begins then."""
CREDENTIALS = struct.Struct("=iii")
"""Process, user and group."""
STREAMS = (0, 1, 2)
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
PATIENCE = 10.0
"""Seconds until a server takes a connection; somebody else's may never do."""


def hand_over() -> None:
    """Called where `python -m stages.NAME` begins: ends as the fork does that runs it; returns where this process is to run it itself.

    That is: by hand, on another system than Linux, beside a GPU (CUDA does not survive a fork), and where no server can be had.
    """
    if not _can_be_forked():
        return
    with suppress(OSError):
        for stream in STREAMS:
            os.fstat(stream)  # a closed one's number would be the socket's
        _ask()


def _ask() -> None:
    """Raises OSError where no server can be asked."""
    with socket.socket(socket.AF_UNIX) as server, _interrupted_at_once():
        if (owner := _owner()) is None:
            return
        there = address(owner)
        _started(there, owner)
        server.settimeout(PATIENCE)
        server.connect(there)
        server.settimeout(None)
        if peer(server) == os.getuid():
            _follow(server)


def _can_be_forked() -> bool:
    program = sys.orig_argv[1:3]
    named = len(program) == 2 and program[0] == "-m" and program[1].startswith("stages.")
    return (
        named and STAGE in os.environ and os.environ.get(SWITCH) != "0" and hasattr(os, "pidfd_open") and not any(map(os.path.exists, GPUS))
    )


def _owner() -> int | None:
    """The process that runs stages: the nearest above this one that is in none itself. Between them may stand a shell.

    None for one of another session: who adopts an orphan.
    """
    above = os.getppid()
    while above > 0 and os.getsid(above) == os.getsid(0):
        process = Path(f"/proc/{above}")
        if not any(each.startswith(f"{STAGE}=".encode()) for each in (process / "environ").read_bytes().split(b"\0")):
            return above
        above = int(_stat(above)[1])
    return None


def _stat(process: int) -> list[str]:
    """State, parent and so on (proc(5)), without pid and name."""
    return Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()


def address(owner: int) -> str:
    """Abstract address of a process's server, for this interpreter in this folder; nothing of it lies on the disk."""
    began, pids = _stat(owner)[19], Path("/proc/self/ns/pid").readlink()  # in clock ticks; pids of containers are not of one kind
    of = "\0".join((sys.executable, str(Path.cwd()), str(pids), began))
    return f"\0trig-{os.getuid()}-{owner}-" + blake2b(os.fsencode(of), digest_size=8).hexdigest()


def peer(connection: socket.socket) -> int:
    """User at the other end: whoever is on this machine can connect to an abstract address, and offer one."""
    _, user, _ = CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    return int(user)


def _started(there: str, owner: int) -> None:
    """Whoever takes the address starts the server, in this session but in a group of its own, so that it hears no Ctrl-C; it ends when its owner does."""
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(there)
        except OSError:
            return  # there is one
        listener.listen()
        number, silent = listener.fileno(), subprocess.DEVNULL
        spare = ["-B"] if sys.dont_write_bytecode else []
        command = [sys.executable, *spare, "-m", "trig.run.forkserver", str(owner), str(number)]
        subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent, process_group=0, pass_fds=[number])


def _follow(server: socket.socket) -> None:
    """Has the program run, and ends as it does; returns where the server does not answer. The fork is killed when this process dies: the pipe breaks."""
    read, write = os.pipe()
    said = json.dumps([sys.orig_argv[2:], str(Path.cwd()), dict(os.environ)]).encode()
    die_with_parent()
    try:
        socket.send_fds(server, [SIZE.pack(len(said))], [*STREAMS, read])
        server.sendall(said)
        select.select([server], [], [])  # it may be importing
        with blocked():
            begun = server.recv(NEWS.size, socket.MSG_WAITALL)
            if len(begun) == NEWS.size:
                _end_with(server, begun)
    finally:
        os.close(read)
        os.close(write)


def _end_with(server: socket.socket, news: bytes) -> None:
    ended, number = NEWS.unpack(news)
    if not ended:
        _forward(number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        with suppress(OSError):
            server.sendall(READY)
            news = server.recv(NEWS.size, socket.MSG_WAITALL)
        if len(news) < NEWS.size or not news[0]:
            raise SystemExit("error: the server that this stage was forked from was killed; run again")
        _, number = NEWS.unpack(news)
    code = os.waitstatus_to_exitcode(number)
    if code < 0:
        with suppress(OSError):  # nothing is to be set for SIGKILL
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


@contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """Ctrl-C ends this process: until its program runs there is nothing to end well, and Python loses what is raised in a `__del__`."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def blocked(signals: Iterable[signal.Signals] = FORWARDED) -> Iterator[None]:
    """With these signals blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _forward(fork: int) -> None:
    """What this process is asked to do, the fork does: stop, suspend, go on. A fork that ended hears nothing."""

    def stop(number: int, _: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(fork, number)
            os.killpg(fork, signal.SIGCONT)  # who is suspended hears nothing

    def suspend(number: int, _: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.killpg(fork, number)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.killpg(fork, signal.SIGCONT)

    for each in FORWARDED:
        if signal.getsignal(each) is not signal.SIG_IGN:  # as under nohup; the fork has it from the server
            signal.signal(each, suspend if each is signal.SIGTSTP else stop)
