"""Runs programs as subprocesses and measures wall time and memory of all that they start."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

ROOT = Path(__file__).parents[2]
PATIENCE = 10.0
"""Seconds in which an interrupted program is to end."""
PAGE = os.sysconf("SC_PAGE_SIZE")
SETTINGS = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "PYTHONHASHSEED": "0",
}
"""Environment that the Makefile sets."""
UNSET = {"DVC_ROOT", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}


class FailedError(Exception):
    """A measured program failed; the message holds the tail of its output."""


@dataclass(frozen=True, slots=True)
class Ran:
    """Result of a program that succeeded."""

    stdout: str
    seconds: float
    peak: int  # bytes: peak of the resident memory summed over the processes of its session; shared memory counts repeatedly


def end_as_interrupted() -> None:
    """SIGTERM is as Ctrl-C from here on: a program that runs others must end them, which have sessions of their own."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def run(*command: str, cwd: Path = ROOT) -> Ran:
    """Runs a program to completion, but not what it leaves behind. Raises FailedError when it fails."""
    settings = {name: value for name, value in os.environ.items() if name not in UNSET} | SETTINGS
    began = time.monotonic()
    with TemporaryFile("a+") as out, TemporaryFile("a+") as errors:  # no pipes, whose ends a daemon would keep
        with subprocess.Popen(command, cwd=cwd, env=settings, stdout=out, stderr=errors, start_new_session=True) as process:
            watch = Watch(process.pid)
            watch.start()
            try:
                process.wait()
            except KeyboardInterrupt:
                _end(process)  # it is in another session than the terminal's
                raise
        seconds = time.monotonic() - began
        watch.stop()
        said, complaint = (whole(file) for file in (out, errors))
    if process.returncode:
        raise FailedError(f"{' '.join(command)} ended with {process.returncode}:\n{(said + complaint)[-2000:]}")
    return Ran(said, seconds, watch.peak)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupts a program and what is of its group; kills those that do not end."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
            return


def whole(file: IO[str]) -> str:
    """What was written into a file, by whomever."""
    file.seek(0)
    return file.read()


def end_in(folder: Path) -> None:
    """Kills the other processes that work in a folder, or below: DVC's queue loses the message, now and then, that ends a worker without work."""
    while found := [pid for pid, *_ in processes() if pid != os.getpid() and _works_in(folder, pid)]:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _works_in(folder: Path, pid: int) -> bool:
    """No process that ended does, whether its parent asked about it or not."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder.resolve())
    except OSError:
        return False


class Watch(threading.Thread):
    """Samples the resident memory of a session five times a second."""

    def __init__(self, session: int) -> None:
        super().__init__(daemon=True)
        self.session, self.peak, self.over = session, 0, threading.Event()

    def run(self) -> None:
        """Samples until stopped."""
        while not self.over.wait(0.2):
            self.peak = max(self.peak, resident(self.session))

    def stop(self) -> None:
        """Stops sampling."""
        self.over.set()
        self.join()


def resident(session: int) -> int:
    """Resident memory of a session in bytes: a server that a program started is of it, though not below it."""
    return sum(pages for _, _, one, pages in processes() if one == session) * PAGE


def peak() -> int:
    """Peak resident memory of this process in bytes. `ru_maxrss` begins with what the parent had, however small the program is that it starts."""
    (line,) = (line for line in Path("/proc/self/status").read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def processes() -> Iterator[tuple[int, int, int, int]]:
    """Live processes: pid, parent pid, session, resident pages."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (place / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        yield int(place.name), int(after_name[1]), int(after_name[3]), int(after_name[21])
