"""Thumbnails of the source pictures of edits and subjects, shown beside what was made of them; one of each content hash."""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from trig.keys import content_key
from trig.report.sheets import BATCH, DRAWING, LONGEST_SIDE, QUALITY, Sheet, small, tiled
from trig.store import Progress, Store, fill
from trig.tables.sources import Library

SHELF = "originals"


def texts(sheets: Sequence[Sheet], prompts: pl.DataFrame) -> pl.DataFrame:
    """Prompt and source of each sample on the sheets (task, data_id, prompt, source)."""
    names = {(sheet.task, sheet.pair, name) for sheet in sheets for name, _ in sheet.names}
    shown = pl.DataFrame(sorted(names), schema={name: prompts.schema[name] for name in ("task", "pair", "data_id")}, orient="row")
    asked = prompts.filter(pl.col("split") == "test").select("task", "data_id", "prompt", "source")
    return shown.join(asked, on=["task", "data_id"]).sort("task", "pair", "data_id").drop("pair")


def sources(sheets: Sequence[Sheet], prompts: pl.DataFrame) -> list[str]:
    """Content hashes of the sources of the samples on the sheets, ascending."""
    return sorted(set(texts(sheets, prompts)["source"].drop_nulls()))


def draw(wanted: Sequence[str], library: Library, store: Store) -> Iterator[Progress]:
    """Makes the thumbnails missing in the cache. Raises TableError for a source that is not there, PictureError for one that cannot be read."""

    def work(missing: list[str]) -> Iterator[tuple[int, bytes]]:
        for index, source in enumerate(missing):
            yield index, tiled([small(library.get(source), f"{library.folder}: source {source}")], 1)

    yield from fill(store, SHELF, {_key(source): source for source in wanted}, work, BATCH)


def drawn(wanted: Sequence[str], store: Store) -> Mapping[str, bytes]:
    """Cached thumbnails as WebP, by content hash of the source."""
    found = store.get(SHELF, [_key(source) for source in wanted])
    return {source: found[_key(source)] for source in wanted}


def _key(source: str) -> str:
    return content_key(source=source, drawing=DRAWING, side=LONGEST_SIDE, quality=QUALITY)
