"""The three correlations of each cloud, so that a reader may choose another than the rule's."""

from typing import get_args

import numpy as np
import polars as pl

from trig.classify.relations import measured
from trig.classify.samples import KEY, gather
from trig.params import Correlation, Thresholds

KINDS: tuple[Correlation, ...] = get_args(Correlation)


def correlations(scores: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """model, task, pair, and a column for each kind of correlation, -1..1, null where it does not exist; the rows of the relations table."""
    samples = gather(scores, thresholds.score, None)
    found = {kind: np.full(samples.keys.height, np.nan) for kind in KINDS}
    for kind, values in found.items():
        for batch, of in measured(samples.clouds, thresholds.model_copy(update={"correlation": kind})):
            values[batch] = of.rho[:, 0]
    return samples.keys.select(KEY).with_columns(pl.Series(kind, values).fill_nan(None) for kind, values in found.items())
