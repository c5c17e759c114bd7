"""Bars on classification: time and memory at the published benchmark's size, false positive rate, and power on planted relations.

`python -m benchmarks.classify` prints the timings as JSON; it runs in a subprocess so that peak memory can be measured.
"""

import json
import sys
from collections.abc import Callable, Iterator
from time import perf_counter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks import clouds
from benchmarks.bar import Bar, at_least, at_most
from trig import params
from trig.classify.relations import measured, relations
from trig.classify.rule import verdicts
from trig.classify.samples import gather
from trig.params.thresholds import Thresholds
from trig.run.pool import spread
from trig.tables.kinds import TASK
from trig.testing.programs import run
from trig.testing.project import Project
from trig.vocabulary.dimensions import SUBSETS

MODELS, POINTS = 14, 305
ALARMS, PLANTED, SAMPLE = 1000, 200, 300
SOME = 2000
"""Resamples on which the loop is timed; all would take minutes."""
Floats = NDArray[np.float64]


def speed(_: Project) -> Iterator[Bar]:
    """Classification of 14 models × 132 subsets × 305 points, against a loop over pairs like that of the published scripts."""
    ran = run(sys.executable, "-m", "benchmarks.classify")
    found = json.loads(ran.stdout)
    size = f"{MODELS} × {len(SUBSETS)} × {POINTS}"
    yield at_most(f"relations of {size} points with {found['bootstraps']} resamples and the null", found["evidence"], 20, " s")
    yield at_most("the same, peak memory", ran.peak / 1e9, 2, " GB")
    yield at_most(f"relations of {size} points without evidence", found["rule"], 1, " s")
    yield at_least("the first, times as fast as a loop over pairs and resamples", found["loop_evidence"] / found["evidence"], 50)
    yield at_least("the rule alone on gathered points, times as fast as a loop over pairs", found["loop_rule"] / found["verdicts"], 1)
    yield Bar("verdicts that differ from the loop's", str(found["differ"]), "0", found["differ"] == 0)


def evidence(_: Project) -> Iterator[Bar]:
    """False positive rate on independent pairs and power on planted relations, with the thresholds of params.yaml on S."""
    limits = _thresholds()
    for make in (clouds.uniform, clouds.skewed):
        frame = relations(clouds.many(make, ALARMS, SAMPLE, 0), limits)
        what = f"of {ALARMS} independent {make.__name__} pairs, n = {SAMPLE}"
        yield at_most(f"supported tilts {what}", _share(frame, "tilt"), 5, " %")
        yield at_most(f"supported conflicts {what}", _share(frame, "conflict"), 5, " %")
    for make in (clouds.synergy, clouds.bottleneck, clouds.tilt, clouds.conflict):
        frame = relations(clouds.many(make, PLANTED, SAMPLE, 1), limits)
        yield at_least(f"planted {make.__name__}, n = {SAMPLE}: found and supported", _share(frame, make.__name__), 95, " %")


def _share(frame: pl.DataFrame, name: str) -> float:
    """Percentage of pairs with this relation, or this kind of dispersion, and supported evidence."""
    named = pl.col("kind" if name == "conflict" else "relation") == name
    return 100 * frame.filter(named & (pl.col("evidence") == "supported")).height / frame.height


def _thresholds() -> Thresholds:
    return params.load().thresholds.model_copy(update={"score": "expected"})


def _scores() -> pl.DataFrame:
    """Plausible scores of the published benchmark's size: a level per model and subset, correlated sides."""
    draw, frames = np.random.default_rng(0), []
    for task, pair in SUBSETS:
        made = []
        for _ in range(MODELS):
            shared, one, other = draw.normal(0, 0.15, (3, POINTS))
            level, follows = draw.uniform(0.3, 0.9, 2), draw.uniform(-0.5, 1)
            made.append((np.clip(level[0] + shared + one, 0, 1), np.clip(level[1] + follows * shared + other, 0, 1)))
        frames.append(clouds.scores(made, str(pair)).with_columns(task=pl.lit(task.value, TASK)))
    return pl.concat(frames)


def _loop(pairs: dict[tuple[str, ...], dict[str, list[float]]], thresholds: Thresholds) -> list[str]:
    """Baseline rule, one pair at a time, as the published scripts do it: array conversion, polyfit and correlation per pair."""
    found = []
    for samples in pairs.values():
        x, y = np.array([sample[0] for sample in samples.values()]), np.array([sample[1] for sample in samples.values()])
        found.append(_verdict(x, y, thresholds))
    return found


def _verdict(x: Floats, y: Floats, t: Thresholds) -> str:
    from scipy.stats import spearmanr

    high, low = (x >= t.synergy) & (y >= t.synergy), (x <= t.bottleneck) & (y <= t.bottleneck)
    if high.mean() >= t.synergy_density:
        return "synergy"
    if low.mean() >= t.bottleneck_density:
        return "bottleneck"
    rest = ~(high | low)
    if rest.sum() >= t.min_points:
        slope, intercept = np.polyfit(x[rest], y[rest], 1)
        over = y[rest] - (slope * x[rest] + intercept)
        above, below = int((over > 0).sum()), int((over < 0).sum())
        if max(above, below) >= t.tilt_ratio * max(min(above, below), 1e-9):
            return "tilt"
    return "dispersion" if spearmanr(x, y).statistic <= t.dispersion_corr else "none"


def _resampled(pairs: dict[tuple[str, ...], dict[str, list[float]]], thresholds: Thresholds) -> float:
    """Seconds per resample and verdict in the baseline loop."""
    draw = np.random.default_rng(0)
    some = [np.array(list(samples.values())) for samples in list(pairs.values())[:: len(pairs) // 40]]
    began = perf_counter()
    for number in range(SOME):
        points = some[number % len(some)]
        drawn = points[draw.integers(0, len(points), len(points))]
        _verdict(drawn[:, 0], drawn[:, 1], thresholds)
    return (perf_counter() - began) / SOME


def _timed(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def main() -> None:
    """Interleaved timings, so that machine load affects all alike; best of three for what takes about a second."""
    scores, limits = _scores(), _thresholds()
    bare = limits.model_copy(update={"bootstraps": 0})
    pairs: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for *key, data_id, x in scores.select("model", "task", "pair", "data_id", "expected").iter_rows():  # x precedes y
        pairs.setdefault(tuple(key), {}).setdefault(data_id, []).append(x)
    gathered = gather(scores, limits.score, None).clouds
    works = (
        lambda: relations(scores, bare),
        lambda: [verdicts(counts, summary.rho, bare) for _, summary, counts in measured(gathered, bare)],
        lambda: _loop(pairs, limits),
    )
    rule, named_only, loop = (min(_timed(work) for _ in range(3)) for work in works)
    each = _resampled(pairs, limits)
    found = relations(scores, bare)
    evidence = _timed(lambda: relations(scores, limits, each=spread))
    named = dict(zip(pairs, _loop(pairs, limits), strict=True))
    differ = sum(named[row[:3]] != row[3] for row in found.select("model", "task", "pair", "relation").iter_rows())
    seconds = {
        "rule": rule,
        "verdicts": named_only,
        "loop_rule": loop,
        "evidence": evidence,
        "loop_evidence": each * limits.bootstraps * len(pairs),
    }
    print(json.dumps(seconds | {"differ": differ, "bootstraps": limits.bootstraps}))


if __name__ == "__main__":
    main()
