"""Command line: `python -m benchmarks.fuzz [READER …] [--inputs N] [--seed S]`, or `--replay FOLDER` for an input that was kept."""

import argparse
import shutil
import sys
from pathlib import Path

from benchmarks.fuzz.readers import READERS
from benchmarks.fuzz.run import KEPT, SOUND, fuzzed, line, working

NAMES = {each.name: each for each in READERS}


def main() -> int:
    """Runs some readers, or all; exit code 1 where one fails."""
    asked = arguments()
    if asked.replay:
        return replayed(asked.replay)
    faults = list[str]()
    for name in asked.readers or NAMES:
        tally = fuzzed(NAMES[name], asked.inputs or NAMES[name].inputs, asked.seed)
        print(line(name, tally), flush=True)
        faults += tally.faults
    print("\n\n".join(faults))
    return 1 if faults else 0


def arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz", description="Break valid inputs of every reader, and see what it makes of them."
    )
    parser.add_argument("readers", nargs="*", choices=[[], *NAMES], metavar="READER", help=f"all if none is named: {', '.join(NAMES)}")
    parser.add_argument("--inputs", type=int, help="inputs of each reader; otherwise its share of 10,000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--replay", type=Path, metavar="FOLDER", help=f"read a kept input again, and show what happens; they are in {KEPT.name}/"
    )
    return parser.parse_args()


def replayed(folder: Path) -> int:
    """Read a kept input in a fresh box."""
    with working() as worker:
        shutil.copytree(folder, worker.box / "in", symlinks=True)
        (worker.box / "seeds").mkdir()
        name = folder.resolve().parent.name
        worker.ask("plant", name, str(worker.box / "seeds"))
        worker.ask("warm", name, str(worker.box / "seeds"))
        found = worker.ask("read", name)
    print(f"{found['outcome']} after {found['seconds']:.2f} s\n{found['told']}")
    return 0 if found["outcome"] in SOUND else 1


if __name__ == "__main__":
    sys.exit(main())
