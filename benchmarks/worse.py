"""Bars on `trig compare --fail-on`: how often it fails where scores fell, and where nothing changed."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.bar import Bar, at_least
from trig.classify.change import Run
from trig.classify.worse import Asked, drops
from trig.tables.prompts import PROMPTS
from trig.testing import factories
from trig.testing.project import Project

Floats = NDArray[np.float64]
N, DROP, BY = 100, 0.05, 0.02
"""Prompts of a pair, what is planted, and what the check lets pass."""
NOISE = 0.07
"""Standard deviation of a score's noise: differences of a pair have 0.1, the median of the dimensions between two tiny models."""
OF = tuple(f"TA-C_{other}" for other in ("TA-R", "TA-S", "D-K", "D-A"))
FAMILIES = {"worse:TA-C_TA-R": OF[:1], "worse:TA-C": OF[:1], "worse": OF, "worse:pair": OF}
"""Question → pairs that are scored."""
TIMES = 200
THRESHOLDS = factories.thresholds(bootstraps=0)


def worse(_: Project) -> Iterator[Bar]:
    """Simulated comparisons of two runs of the same prompts, with a drop of content, and without."""
    for asked, pairs in FAMILIES.items():
        what = f"--fail-on {asked} --by {BY}, {N} prompts of a pair"
        yield at_least(f"{what}, a drop of {DROP}: exit code 1, share of {TIMES}", failed(DROP, asked, pairs, TIMES), 0.95)
        yield at_least(f"{what}, no drop: exit code 0, share of {TIMES}", 1 - failed(0.0, asked, pairs, TIMES), 0.95)


def failed(drop: float, asked: str, pairs: Sequence[str], times: int) -> float:
    """Share of simulated comparisons that fail."""
    draw = np.random.default_rng(16)
    runs = (sides(draw, drop, N, pairs) for _ in range(times))
    return sum(bool(drops(a, b, Asked.parse(asked), BY, THRESHOLDS)["worse"].any()) for a, b in runs) / times


def sides(draw: np.random.Generator, drop: float, n: int, pairs: Sequence[str]) -> tuple[Run, Run]:
    """Two runs of the same prompts with independent noise; content is `drop` lower in the second."""
    before, after = {}, {}
    for pair in pairs:
        quality = 0.5 + 0.1 * draw.normal(0, 1, (n, 2))
        before[pair], after[pair] = (quality + draw.normal(0, NOISE, (n, 2)) - [lower, 0] for lower in (0.0, drop))
    return _run(before), _run(after)


def _run(clouds: Mapping[str, Floats]) -> Run:
    ids = [(pair, f"{pair}_{n}") for pair, cloud in clouds.items() for n in range(1, len(cloud) + 1)]
    prompts = pl.DataFrame(
        {"task": "t2i", "pair": pair, "data_id": name, "split": "test", "key": name, "parent": None} for pair, name in ids
    )
    scores = pl.concat(factories.cloud(cloud.tolist(), pair) for pair, cloud in clouds.items())
    return Run(scores, prompts.cast({name: PROMPTS.columns[name] for name in prompts.columns}))
