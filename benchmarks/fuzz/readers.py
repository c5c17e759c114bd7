"""All readers."""

from benchmarks.fuzz import looks, params, servers, tabular, texts, weights
from benchmarks.fuzz.reader import Reader

READERS: tuple[Reader, ...] = (*params.READERS, *texts.READERS, *tabular.READERS, *looks.READERS, *servers.READERS, *weights.READERS)
