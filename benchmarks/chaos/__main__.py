"""`python -m benchmarks.chaos [--seed N] [--rounds N] [--minutes N] [--round N] [--world FOLDER]`: faults, and a clean end after each."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.chaos.kinds import KINDS
from benchmarks.chaos.rounds import rounds
from benchmarks.chaos.row import MINUTES, ROUNDS, SEED, shown
from benchmarks.chaos.world import made
from trig.testing.programs import end_as_interrupted


def main() -> int:
    """Prints each round; exit code 1 when one had no clean end."""
    asked = arguments()
    end_as_interrupted()
    numbers = range(asked.rounds) if asked.round is None else [asked.round]
    kinds = [kind for kind in KINDS if asked.kind in kind.name]
    with TemporaryDirectory(prefix="trig-chaos-") as place, made(asked.world or Path(place)) as world:
        told = [shown(each, asked.seed) for each in rounds(world, kinds, asked.seed, numbers, 60 * asked.minutes, bool(asked.world))]
    wrong = sum(each.wrong is not None and not each.missing for each in told)
    spent, missing = sum(each.seconds for each in told), sum(each.missing for each in told)
    print(f"{len(told)} rounds, {missing} not possible here, {wrong} without a clean end, {spent:.0f} s")
    return 1 if wrong else 0


def arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos", description="Break a run in every way, and look whether the next one ends well."
    )
    parser.add_argument("--seed", type=int, default=SEED, help="what chance begins with")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how many")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="no round begins after so many")
    parser.add_argument("--round", type=int, help="this one only")
    parser.add_argument("--kind", default="", help="kinds of faults with this in their name only")
    parser.add_argument("--world", type=Path, metavar="FOLDER", help="keep the undisturbed runs here, and failing rounds")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
