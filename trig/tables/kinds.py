"""Shared column types."""

import polars as pl

from trig.vocabulary.dimensions import PAIRS, Dimension, Task

TASK = pl.Enum([task.value for task in Task])
PAIR = pl.Enum([str(pair) for pair in PAIRS])
DIMENSION = pl.Enum([dimension.value for dimension in Dimension])
STATUS = pl.Enum(["ok", "null"])
