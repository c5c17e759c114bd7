"""Code that runs in forks of one interpreter with libraries loaded: each sees the libraries, and no module of ours that another one imported."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from workplace import ROOT

FORKS = """
import importlib, json, os, sys, tempfile, traceback
code, cases, libraries = json.load(sys.stdin)
for name in libraries:
    importlib.import_module(name)
found = {}
for name, arguments in cases.items():
    with tempfile.TemporaryFile() as told:
        if (child := os.fork()) == 0:
            os.dup2(told.fileno(), 1)
            sys.argv = ["-c", *arguments]
            try:
                exec(code, {"__name__": "__main__"})
            except SystemExit:
                pass
            except BaseException:
                traceback.print_exc(file=sys.stdout)
            finally:
                sys.stdout.flush()
                os._exit(0)
        os.waitpid(child, 0)
        told.seek(0)
        found[name] = told.read().decode()
print(json.dumps(found))
"""


def told(code: str, cases: Mapping[str, Sequence[str]], libraries: Sequence[str]) -> dict[str, str]:
    """What the code writes to standard output with the arguments of each case; a traceback where it fails."""
    asked, environment = json.dumps([code, cases, libraries]), os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", FORKS], input=asked, cwd=ROOT, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, str] = json.loads(ran.stdout)
    return found
