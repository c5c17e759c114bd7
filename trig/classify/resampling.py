"""Threshold-independent bootstrap of each cloud, cached in the work store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from trig import tables
from trig.classify.arrays import Floats
from trig.classify.draws import draws
from trig.classify.samples import grouped
from trig.classify.stack import Cloud
from trig.classify.summary import Summary, sort_sides, summarise
from trig.keys import content_key
from trig.params.thresholds import Thresholds
from trig.stats.bootstrap import LEVELS, intervals
from trig.store import Store, fill
from trig.tables.resamples import RESAMPLES

SHELF = "resamples"
RESAMPLING = 1
"""Cache version: raise it when output-affecting code of the resampling changes."""
BATCH = 64
LEAST = 3
"""Points of a cloud that may have a rho."""
STATISTICS = ("rho", "mean_x", "mean_y", "mean_gap", "median_gap")
"""Statistics with a confidence interval, in the order of the payload; a gap is x less y."""
ENDS = tuple(f"{name}_{end}" for end in LEVELS for name in STATISTICS)


class Resampled(NamedTuple):
    """Bootstrap of one cloud."""

    ends: dict[str, float | None]  # `ENDS`; None where undefined
    rho: Floats  # (B,) of each resample


def resampled(clouds: Sequence[Cloud], thresholds: Thresholds, each: Callable[..., Iterable[Any]], store: Store) -> list[Resampled]:
    """Bootstrap of each cloud, from the store where it is cached. Of the thresholds only `bootstraps` and `correlation` matter."""
    kept, keys = packed(clouds, thresholds, each, store)
    return [_unpacked(kept[key]) for key in keys]


def packed(
    clouds: Sequence[Cloud], thresholds: Thresholds, each: Callable[..., Iterable[Any]], store: Store
) -> tuple[dict[str, bytes], list[str]]:
    """The same as payloads by content key, and the key of each cloud."""
    asked = {"bootstraps": thresholds.bootstraps, "correlation": thresholds.correlation, "resampling": RESAMPLING}
    keys = [content_key(x=x.tobytes(), y=y.tobytes(), groups=groups.tobytes(), **asked) for x, y, groups in clouds]

    def work(missing: list[Cloud]) -> Iterator[tuple[int, bytes]]:
        return enumerate(each(resample, missing, [thresholds] * len(missing)))

    for _ in fill(store, SHELF, dict(zip(keys, clouds, strict=True)), work, BATCH):
        pass
    return store.get(SHELF, keys), keys


def carried(
    points: pl.DataFrame, roots: pl.DataFrame, thresholds: Thresholds, each: Callable[..., Iterable[Any]], store: Store
) -> pl.DataFrame:
    """The table RESAMPLES of all clouds that have a rho, sorted: where it is, another machine need not resample them for a study of thresholds."""
    clouds = grouped(points, roots).clouds.together(LEAST) if thresholds.bootstraps else {}
    found, _ = packed([*clouds.values()], thresholds, each, store)
    frame = pl.DataFrame({"key": list(found), "numbers": [np.frombuffer(payload) for payload in found.values()]}, dict(RESAMPLES.columns))
    return frame.with_columns(pl.col("numbers").list.eval(pl.element().fill_nan(None))).sort("key")


def adopt(file: Path, store: Store) -> None:
    """Caches what such a table has, where there is one. A key is a hash of the cloud, so that nothing stale can be taken for current."""
    if not file.is_file():
        return
    table = tables.read(file, RESAMPLES)
    here = store.known(SHELF, table["key"])
    missing = table.filter(~pl.col("key").is_in(here))
    payloads = (numbers.fill_null(np.nan).to_numpy().tobytes() for numbers in missing["numbers"])
    store.put(SHELF, dict(zip(missing["key"], payloads, strict=True)))


def resample(cloud: Cloud, thresholds: Thresholds) -> bytes:
    """Bootstrap of one cloud, packed as float64: `ENDS`, NaN where undefined, then rho per resample."""
    drawn = draws(cloud.groups, thresholds.bootstraps, thresholds.permutations)
    clouds = sort_sides(cloud.x[None], cloud.y[None])
    blocks = [summarise(clouds, weights[None], thresholds.correlation) for weights in drawn.resamples]
    found = {name: np.concatenate([getattr(block, name)[0] for block in blocks]) for name in Summary._fields}
    found |= {f"{name}_gap": found[f"{name}_x"] - found[f"{name}_y"] for name in ("mean", "median")}
    ends = intervals({name: found[name] for name in STATISTICS}).values()
    return np.concatenate([[np.nan if end is None else end for end in ends], found["rho"]]).tobytes()


def _unpacked(payload: bytes) -> Resampled:
    numbers = np.frombuffer(payload)
    ends = zip(ENDS, numbers[: len(ENDS)].tolist(), strict=True)
    return Resampled({name: None if np.isnan(end) else end for name, end in ends}, numbers[len(ENDS) :])
