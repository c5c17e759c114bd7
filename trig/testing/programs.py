"""Runs programs as subprocesses and measures wall time and memory of the process tree."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
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
    peak: int  # bytes: peak of the resident memory summed over the process tree; shared memory counts repeatedly


def run(*command: str, cwd: Path = ROOT) -> Ran:
    """Runs a program to completion. Raises FailedError when it fails."""
    settings = {name: value for name, value in os.environ.items() if name not in UNSET} | SETTINGS
    began = time.monotonic()
    with subprocess.Popen(command, cwd=cwd, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        watch = Watch(process.pid)
        watch.start()
        said, complaint = process.communicate()
    seconds = time.monotonic() - began
    watch.stop()
    if process.returncode:
        raise FailedError(f"{' '.join(command)} ended with {process.returncode}:\n{(said + complaint)[-2000:]}")
    return Ran(said, seconds, watch.peak)


class Watch(threading.Thread):
    """Samples the resident memory of a process tree five times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, threading.Event()

    def run(self) -> None:
        """Samples until stopped."""
        while not self.over.wait(0.2):
            self.peak = max(self.peak, resident(self.pid))

    def stop(self) -> None:
        """Stops sampling."""
        self.over.set()
        self.join()


def resident(pid: int) -> int:
    """Resident memory of a process and its descendants in bytes."""
    parents = {one: (parent, pages) for one, parent, pages in processes()}
    held = 0
    for one, (_, pages) in parents.items():
        above = one
        while above in parents and above != pid:
            above = parents[above][0]
        held += pages * PAGE * (above == pid)
    return held


def processes() -> Iterator[tuple[int, int, int]]:
    """Live processes: pid, parent pid, resident pages."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (place / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        yield int(place.name), int(after_name[1]), int(after_name[21])
