"""Compiled files on a disk that is almost full."""

import marshal
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.chaos.kinds import no_mount
from trig.testing.programs import ROOT

MODULES = ("stages.params", "trig.cli.main")
HEADER = 16
"""Bytes of a compiled file before its code."""


@pytest.mark.skipif(no_mount() is not None, reason=str(no_mount()))
@pytest.mark.parametrize("module", MODULES)
def test_no_compiled_file_is_cut_off_where_the_disk_is_full(tmp_path: Path, module: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", tmp_path], check=True)
    try:
        for name in ("stages", "trig"):
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        filled = tmp_path / "filled"
        with pytest.raises(OSError, match="space"):
            filled.write_bytes(bytes(2**26))
        with filled.open("r+b") as opened:
            opened.truncate(filled.stat().st_size - 2**15)
        for _ in range(2):
            subprocess.run([sys.executable, "-c", f"import {module}"], cwd=tmp_path, check=True)
        for file in tmp_path.rglob("*.pyc"):
            marshal.loads(file.read_bytes()[HEADER:])
    finally:
        subprocess.run(["umount", tmp_path], check=True)
