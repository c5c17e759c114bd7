"""Schema of the resamples table: the bootstrap of each cloud, whatever the thresholds."""

import polars as pl

from trig.tables import Table

RESAMPLES = Table("resamples", {"key": pl.String, "numbers": pl.List(pl.Float64)}, ("key",))  # an undefined number is null
