"""What becomes of a program whose parent dies."""

import ctypes
import os
import signal
import sys

STAGE = "DVC_STAGE"
"""Environment variable with the stage that DVC runs."""
_PR_SET_PDEATHSIG = 1


def running() -> str:
    """Name in dvc.lock of the stage that DVC runs here; empty where it runs none."""
    return os.environ.get(STAGE, "").rpartition(":")[2]


def die_with_parent() -> None:
    """Parent-death signal: SIGTERM when the parent is killed, as `dvc` does not kill its stage (Linux only); at once where it was killed before."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if STAGE in os.environ and not _attended():
            os.kill(os.getpid(), signal.SIGTERM)


def _attended() -> bool:
    """Whether the parent is of this process's session, as the program is that started it; who adopts an orphan is not."""
    try:
        return os.getsid(os.getppid()) == os.getsid(0)
    except OSError:
        return True
