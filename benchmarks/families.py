"""Bars on the painter with tiny instances of every architecture of the zoo: a batch changes nothing, and every input acts."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.bar import Bar
from trig.testing.project import Project

if TYPE_CHECKING:
    from trig.testing.architectures.probe import Probed

ROUNDING, SEEN = 2, 3
"""Levels of 255: what another order of sums moves, and what an input does."""


def families(_: Project) -> Iterator[Bar]:
    """Largest differences of a pixel, per system and kind of row."""
    from trig.testing.architectures.probe import AVAILABLE, probe  # imports torch and diffusers, which other rows do without

    with TemporaryDirectory() as place:
        for name in AVAILABLE:
            yield from map(_bar, probe(name, Path(place)))


def _bar(found: "Probed") -> Bar:
    said = {"prompt": found.prompt, "source": found.source, "guidance": found.guidance}
    acts = {what: difference for what, difference in said.items() if difference is not None}
    told = ", ".join(f"{what} {difference}" for what, difference in {"batch": found.batch, **acts}.items())
    met = found.batch <= ROUNDING and min(acts.values()) >= SEEN and found.size == found.wide
    size = "×".join(map(str, found.size))
    wanted = f"batch ≤ {ROUNDING}, others ≥ {SEEN}, {'×'.join(map(str, found.wide))}"
    return Bar(f"{found.system}, {found.rows}: levels of 255", f"{told}, {size}", wanted, met)
