"""Worker processes: none outlives the program that started it."""

import multiprocessing
import os
import signal
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from threading import Thread


def begin(environment: Mapping[str, str] | None = None) -> None:
    """Worker initialiser: set environment variables, ignore SIGINT, exit when the parent dies."""
    os.environ.update(environment or {})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_leave_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _leave_with(program: BaseProcess) -> None:
    program.join()
    os._exit(1)
