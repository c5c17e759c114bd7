"""The bar: after every fault a clean end."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bar import Bar, at_least
from benchmarks.chaos.kinds import KINDS
from benchmarks.chaos.rounds import Told, rounds
from benchmarks.chaos.world import made
from trig.testing.project import Project

ROUNDS, SEED, MINUTES = 60, 1, 60.0


def chaos(_: Project) -> Iterator[Bar]:
    """Rounds over all kinds of faults."""
    with TemporaryDirectory(prefix="trig-chaos-") as place, made(Path(place)) as world:
        told = [shown(each, SEED) for each in rounds(world, KINDS, SEED, range(ROUNDS), 60 * MINUTES)]
    possible = [each for each in told if not each.missing]
    yield at_least("chaos, rounds", len(told), ROUNDS)
    yield at_least("chaos, clean ends of those that this machine can do", sum(each.wrong is None for each in possible), len(possible))
    yield at_least(
        "chaos, kinds of faults that it can do",
        len({each.kind for each in possible}),
        len({kind.name for kind in KINDS if not kind.missing()}),
    )


def shown(told: Told, seed: int) -> Told:
    """Prints a round as it ends; a failing one with how to repeat it."""
    print(f"{told.number:3} {told.kind}, {told.stage}: {told.note} ({told.seconds:.1f} s)", flush=True)
    if told.missing:
        print(f"    not here: {told.wrong}", flush=True)
    elif told.wrong:
        print(f"    NOT CLEAN: {told.wrong}\n    again: make chaos SEED={seed} ROUND={told.number}", flush=True)
    return told
