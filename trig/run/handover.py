"""Hands the program of a stage to a fork of one server per `dvc`, which has the libraries loaded that the stages before it needed."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from types import FrameType

from trig.run.gpus import GPU
from trig.run.parent import die_with_parent

STAGE = "DVC_STAGE"
SWITCH = "TRIG_FORK"
"""Environment variable; 0: each stage is a process of its own from the start."""
NUMBER = struct.Struct("=i")
"""A pid, then a wait status."""
SIZE = struct.Struct("=Q")
CREDENTIALS = struct.Struct("=iii")
"""Process, user and group."""
STREAMS = (0, 1, 2)
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def hand_over() -> None:
    """Called where `python -m stages.NAME` begins: ends as the fork does that runs it; returns where this process is to run it itself.

    That is: by hand, on another system than Linux, and beside a GPU: CUDA does not survive a fork.
    """
    owner = _owner() if _can_be_forked() else None
    if owner is None:
        return
    place = address(owner)
    _started(place, owner)
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(place)
        except OSError:
            return
        if peer(server) == os.getuid():
            _follow(server)


def _can_be_forked() -> bool:
    program = sys.orig_argv[1:3]
    named = len(program) == 2 and program[0] == "-m" and program[1].startswith("stages.")
    return named and STAGE in os.environ and os.environ.get(SWITCH) != "0" and hasattr(os, "pidfd_open") and not GPU.exists()


def _owner() -> int | None:
    """The process that runs stages: the nearest above this one that is in none itself. Between them may stand a shell."""
    above = os.getppid()
    while above > 1:
        try:
            process = Path(f"/proc/{above}")
            if not any(each.startswith(f"{STAGE}=".encode()) for each in (process / "environ").read_bytes().split(b"\0")):
                return above
            above = int((process / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
        except OSError:
            return None
    return None


def address(owner: int) -> str:
    """Abstract address of a process's server, for this interpreter in this folder; nothing of it lies on the disk."""
    began = Path(f"/proc/{owner}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    place = blake2b(f"{sys.executable}\0{Path.cwd()}".encode(), digest_size=8).hexdigest()
    return f"\0trig-{os.getuid()}-{owner}-{began}-{place}"


def peer(connection: socket.socket) -> int:
    """User at the other end: whoever is on this machine can connect to an abstract address, and offer one."""
    _, user, _ = CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    return int(user)


def _started(place: str, owner: int) -> None:
    """Whoever takes the address starts the server, in this session but in a group of its own, so that it hears no Ctrl-C; it ends when its owner does."""
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(place)
        except OSError:
            return  # there is one
        listener.listen()
        number, silent = listener.fileno(), subprocess.DEVNULL
        command = [sys.executable, "-m", "trig.run.forkserver", str(owner), str(number)]
        subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent, process_group=0, pass_fds=[number])


def _follow(server: socket.socket) -> None:
    """Has the program run, and ends as it does. The fork is killed where this process is: it holds the other end of a pipe."""
    alive, held = os.pipe()
    said = json.dumps([sys.orig_argv[2:], str(Path.cwd()), dict(os.environ)]).encode()
    with _held_back():
        try:
            socket.send_fds(server, [SIZE.pack(len(said))], [*STREAMS, alive])
            server.sendall(said)
            begun = server.recv(NUMBER.size, socket.MSG_WAITALL)
        except OSError:
            begun = b""
        os.close(alive)
        if len(begun) < NUMBER.size:  # it has not begun
            os.close(held)
            return
        _forward(*NUMBER.unpack(begun))
    die_with_parent()
    ended = server.recv(NUMBER.size, socket.MSG_WAITALL)
    if len(ended) < NUMBER.size:
        raise SystemExit("error: the server that this stage was forked from was killed; run again")
    code = os.waitstatus_to_exitcode(*NUMBER.unpack(ended))
    if code < 0:
        with suppress(OSError):  # nothing is to be set for SIGKILL
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


@contextmanager
def _held_back() -> Iterator[None]:
    """Signals wait meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [*FORWARDED, signal.SIGTSTP])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _forward(fork: int) -> None:
    """What this process is asked to do, the fork does: to stop, to wait, to go on."""

    def forward(number: int, _: FrameType | None) -> None:
        os.kill(fork, number)

    def wait(number: int, _: FrameType | None) -> None:
        os.killpg(fork, number)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.killpg(fork, signal.SIGCONT)

    for each in FORWARDED:
        signal.signal(each, forward)
    signal.signal(signal.SIGTSTP, wait)
