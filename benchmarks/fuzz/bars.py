"""The row `fuzz`: broken inputs over all readers, and what is left of them."""

import sys
from collections.abc import Iterator

from benchmarks.bar import Bar, at_least, at_most
from benchmarks.fuzz.child import HANG
from benchmarks.fuzz.readers import READERS
from benchmarks.fuzz.run import MOST_MEMORY, Tally, fuzzed, line
from trig.testing.project import Project

INPUTS = 10_000
"""Over all readers."""
SEED = 0
FAULTS = {
    "tracebacks": ("traceback", "death"),
    "errors of more than one line, or another exit code than 2": ("lines", "code"),
    f"hangs of more than {HANG:g} s": ("hang",),
    "files written elsewhere, programs started, pickles read": ("strays",),
}
"""What a bar counts, by outcome."""


def fuzz(_: Project) -> Iterator[Bar]:
    """Every reader's share of the inputs; what failed is told with the command that replays it."""
    tallies = list[Tally]()
    for reader in READERS:
        tallies.append(fuzzed(reader, reader.inputs, SEED))
        print("\n".join((line(reader.name, tallies[-1]), *tallies[-1].faults)), file=sys.stderr)
    yield at_least("fuzz: inputs over all readers", sum(tally.inputs for tally in tallies), INPUTS)
    for what, outcomes in FAULTS.items():
        yield at_most(f"fuzz: {what}", sum(tally.outcomes[each] for tally in tallies for each in outcomes), 0)
    yield at_most("fuzz: peak memory of a reader", max(tally.peak for tally in tallies) / 2**30, MOST_MEMORY / 2**30, " GB")
