"""Validate params.yaml as a whole before any stage runs, also keys that no stage reads.

python -m stages.params PARAMS OUT
"""

from pathlib import Path

from trig import params
from trig.files import replace
from trig.run.edge import run


def main(file: Path, out: Path) -> None:
    """Read params.yaml; write a line that is always the same, so that a sound change makes nothing run that does not depend on it."""
    params.load(file)
    replace(out, b"no mistake\n")


if __name__ == "__main__":
    run(main)
