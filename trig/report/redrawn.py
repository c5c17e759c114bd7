"""Bootstrap weights for the browser, which finds stability anew when a threshold moves. Clouds with equal cluster labels share a set."""

import zlib
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from trig.classify.arrays import Places
from trig.classify.draws import draws
from trig.report.facts.parts import Draws, DrawSet

MOST = 1 << 20
"""Maximum bytes of a task's sets; sets that fewer clouds share are left out first."""

FEWEST = 1  # shuffles, which are drawn after the resamples and not needed here


def redrawn(points: pl.DataFrame, models: Sequence[str], pairs: Sequence[str], bootstraps: int) -> Draws:
    """Sets of a task, and each cloud's. `points` have `root`, the cluster label, and are sorted by key; samples without a score have no weight."""
    labels = _labels(points)
    shared = Counter(one.tobytes() for one in labels.values())
    sets: list[DrawSet] = []
    places: dict[bytes, int] = {}
    room = MOST if bootstraps else 0
    for packed, _ in shared.most_common():
        found = _set(np.frombuffer(packed, np.int64), bootstraps) if room > 0 else None
        room -= len(found["counts"]) if found else 0
        if found and room >= 0:
            places[packed] = len(sets)
            sets.append(found)
    of = [[places.get(labels[model, pair].tobytes()) if (model, pair) in labels else None for pair in pairs] for model in models]
    return {"of": of, "sets": sets}


def _labels(points: pl.DataFrame) -> Mapping[tuple[str, str], Places]:
    """Cluster labels of each cloud's complete samples, numbered from 0."""
    whole = points.drop_nulls(["x", "y"]).select("model", "pair", "root")
    return {
        (str(model), str(pair)): np.unique(own["root"].to_numpy(), return_inverse=True)[1].astype(np.int64)
        for (model, pair), own in whole.group_by("model", "pair", maintain_order=True)
    }


def _set(labels: Places, bootstraps: int) -> DrawSet:
    """How often each resample holds each cluster, resample by resample."""
    first = np.unique(labels, return_index=True)[1]
    weights = np.concatenate(draws(labels, bootstraps, FEWEST).resamples, axis=1)[first]
    alone = first.size == labels.size
    counts = b64encode(zlib.compress(np.minimum(weights.T, 255).astype(np.uint8).tobytes(), 9)).decode()
    return {"labels": None if alone else labels.tolist(), "clusters": first.size, "counts": counts}
