"""Shared column types."""

import polars as pl

from trig.vocabulary.dimensions import PAIRS, Dimension, Task
from trig.vocabulary.relations import Kind, Relation, Support

TASK = pl.Enum([task.value for task in Task])
PAIR = pl.Enum([str(pair) for pair in PAIRS])
DIMENSION = pl.Enum([dimension.value for dimension in Dimension])
STATUS = pl.Enum(["ok", "null"])
RELATION = pl.Enum([relation.value for relation in Relation])
KIND = pl.Enum([kind.value for kind in Kind])
EVIDENCE = pl.Enum([support.value for support in Support])
