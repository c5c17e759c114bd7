"""Compiled files that Python writes beside the code, where the disk is almost full."""

import os
import sys
from pathlib import Path

ROOM = 2**24
"""Bytes on the disk of the code below which none is written; all of ours are a few million."""


def spare() -> None:
    """Called before a program imports what it needs: Python before 3.12.8 keeps a compiled file that a full disk cut off (python/cpython#126606).

    No later program could import it, `trig doctor` neither.
    """
    disk = os.statvfs(Path(__file__).parent)
    sys.dont_write_bytecode = sys.dont_write_bytecode or disk.f_bavail * disk.f_frsize < ROOM
